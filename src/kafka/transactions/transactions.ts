import { setMaxListeners } from 'node:events'
import type { Logger } from 'pino'
import { Problem } from '../../problem.ts'
import type { Cluster } from '../cluster.ts'
import { Deadline } from '../deadline.ts'
import { KafkaCode, problemFromKafka, problemFromKafkaCode } from '../errors.ts'
import type { Codec } from '../wire/compress.ts'
import { describeTransactions, TRANSACTION_KEY } from '../wire/transaction-apis.ts'
import { Unanswered } from './broker-call.ts'
import { Coordinator } from './coordinator.ts'
import { PartitionWrite } from './partition-write.ts'
import { type PartitionRecords, placeRecords } from './placement.ts'
import { produceAll } from './produce-all.ts'
import { ProducerPool } from './producer-pool.ts'
import { keyText, parseKey, stateOfKey, type TransactionKey } from './transaction-key.ts'
import type { TransactionalProducer } from './transactional-producer.ts'
import type { TransactionRequest, TransactionState, WrittenRecord } from './types.ts'

export interface TransactionsOptions {
  /** Milliseconds within which every transaction is answered for. */
  readonly timeoutMs: number
  /** Most transactions at once. */
  readonly limit: number
  /** How a topic's batches are compressed. */
  readonly codecOf: (topic: string) => Codec
}

export interface Committed {
  /** The transaction as text, for `stateOf`. */
  readonly transaction: string
  /** In the order of the request's records. */
  readonly results: readonly WrittenRecord[]
}

/** How much longer Kafka keeps a transaction open than the gateway works on it, ms. */
const GRACE_MS = 5_000
/** The part of a transaction's time that is kept for its end, and the most of it, ms. */
const END_SHARE = 0.25
const MAX_END_MS = 3_000
/** How long a transaction that failed is tried to be ended for its readers' sake, ms. */
const CLEAN_UP_MS = 10_000
/** The same when the gateway stops, ms. */
const LAST_CLEAN_UP_MS = 1_500
const POLL_MS = 50

/**
 * Writes records to any topics, and a group's offsets, all or nothing (KIP-98). Nothing of it is kept by the gateway
 * beyond the call: what became of a transaction, Kafka's coordinator knows.
 */
export class Transactions {
  readonly #cluster: Cluster
  readonly #options: TransactionsOptions
  readonly #pool: ProducerPool
  readonly #log: Logger
  readonly #stopping = new AbortController()
  /** Transactions under way, and those being ended after their answer. */
  readonly #running = new Set<Promise<unknown>>()

  constructor(cluster: Cluster, options: TransactionsOptions, log: Logger) {
    this.#cluster = cluster
    this.#options = options
    this.#log = log
    this.#pool = new ProducerPool(cluster, { timeoutMs: options.timeoutMs + GRACE_MS, limit: options.limit })
    setMaxListeners(0, this.#stopping.signal)
  }

  /**
   * Commits a transaction, and answers within `timeoutMs`.
   * @throws Problem with outcome not_written where it is certain that nothing of it will ever be read by a
   * read_committed reader; outcome_unknown, with the `transaction` to ask for, where that is not known
   */
  async commit(request: TransactionRequest, timeoutMs: number = this.#options.timeoutMs): Promise<Committed> {
    if (this.#stopping.signal.aborted) throw aborted(new Problem('shutting_down'))
    const deadline = new Deadline(timeoutMs, this.#stopping.signal)
    let producer: TransactionalProducer
    try {
      producer = this.#pool.take()
    } catch (error) {
      throw aborted(error)
    }
    return this.#track(this.#run(producer, request, deadline))
  }

  async #run(
    producer: TransactionalProducer,
    request: TransactionRequest,
    deadline: Deadline,
  ): Promise<Committed> {
    let key: TransactionKey | undefined
    let results: WrittenRecord[]
    const work = deadline.slice(deadline.left - Math.min(MAX_END_MS, deadline.left * END_SHARE))
    try {
      const placed = await placeRecords(this.#cluster, request, work)
      await producer.begin(work)
      key = producer.key
      results = await this.#write(producer, request, placed, work)
    } catch (error) {
      // Nobody will commit it: ending it now only spares its readers the wait for Kafka to do so.
      if (key === undefined) this.#pool.giveBack(producer)
      else this.#abort(producer)
      throw aborted(error, key)
    }
    const ending = await producer.end(deadline, true)
    const state = ending === 'doubt' ? await this.#settledState(key, deadline) : ending
    if (state === 'done' || state === 'committed') {
      this.#pool.giveBack(producer)
      return { transaction: keyText(key, 'committed'), results }
    }
    if (state === 'refused' || state === 'aborted') {
      this.#pool.giveBack(producer)
      throw aborted(
        new Problem('kafka_unavailable', {
          detail: 'Kafka aborted the transaction before it was committed.',
        }),
        key,
      )
    }
    this.#log.warn({ transaction: keyText(key) }, 'the outcome of a transaction is not known')
    this.#endUnknown(producer, key)
    throw unknown(keyText(key))
  }

  async #write(
    producer: TransactionalProducer,
    { records, offsets }: TransactionRequest,
    placed: readonly PartitionRecords[],
    deadline: Deadline,
  ): Promise<WrittenRecord[]> {
    await producer.addPartitions(deadline, placed)
    // First, since a group that refuses them leaves nothing to clean up.
    if (offsets !== undefined) await producer.commitOffsets(deadline, offsets.group, offsets.offsets)
    const results = new Array<WrittenRecord>(records.length)
    const writes = placed.map(
      (part) =>
        new PartitionWrite(part, producer.identity, this.#options.codecOf(part.topic), (index, record) => {
          results[index] = record
        }),
    )
    await produceAll(this.#cluster, writes, deadline, (...request) => producer.produce(...request))
    return results
  }

  #abort(producer: TransactionalProducer): void {
    void this.#track(
      producer.end(new Deadline(this.#cleanUpMs()), false).then((ending) => {
        if (ending === 'doubt') this.#log.warn({ id: producer.transactionalId }, 'could not abort in time')
        this.#pool.giveBack(producer)
      }),
    )
  }

  /** Has Kafka decide now rather than when the transaction times out: an abort that comes second is refused. */
  #endUnknown(producer: TransactionalProducer, key: TransactionKey): void {
    const deadline = new Deadline(this.#cleanUpMs())
    void this.#track(producer.end(deadline, false, key).finally(() => this.#pool.discard()))
  }

  #cleanUpMs(): number {
    return this.#stopping.signal.aborted ? LAST_CLEAN_UP_MS : CLEAN_UP_MS
  }

  /** What Kafka says of a transaction, once it says something definite; undefined where it doesn't by the deadline. */
  async #settledState(
    key: TransactionKey,
    deadline: Deadline,
  ): Promise<Exclude<TransactionState, 'ongoing'> | undefined> {
    while (!deadline.passed) {
      const state = await this.#ask(key, deadline).catch(() => undefined)
      if (state === 'committed' || state === 'aborted') return state
      await deadline.pause(POLL_MS)
    }
    return undefined
  }

  /**
   * What became of a transaction, by the text that an answer named it with. Any gateway can say.
   * @throws Problem transaction_not_found; kafka_unavailable
   */
  async stateOf(transaction: string): Promise<TransactionState> {
    const key = parseKey(transaction)
    if (key === undefined) throw new Problem('transaction_not_found')
    return key.ended ?? (await this.#ask(key, new Deadline(this.#options.timeoutMs)))
  }

  async #ask(key: TransactionKey, deadline: Deadline): Promise<TransactionState> {
    const coordinator = new Coordinator(this.#cluster, TRANSACTION_KEY, key.transactionalId)
    const { answer } = await coordinator
      .call(
        deadline,
        (connection) => connection.call(describeTransactions, [key.transactionalId]),
        ({ transactionStates }) => transactionStates.map(({ errorCode }) => errorCode),
      )
      .catch((error: unknown) => {
        throw problemFromKafka(error instanceof Unanswered ? error.cause : error)
      })
    const told = answer.transactionStates[0]
    if (told === undefined || told.errorCode === KafkaCode.TRANSACTIONAL_ID_NOT_FOUND) {
      throw new Problem('transaction_not_found')
    }
    if (told.errorCode !== KafkaCode.NONE) throw problemFromKafkaCode(told.errorCode)
    return stateOfKey(key, told)
  }

  /** Ends what is under way: what can't be committed any more is aborted. */
  async close(): Promise<void> {
    this.#stopping.abort()
    const last = new Deadline(LAST_CLEAN_UP_MS)
    while (this.#running.size > 0 && !last.passed) {
      await last.within(Promise.allSettled(this.#running)).catch(() => {})
    }
  }

  #track<T>(work: Promise<T>): Promise<T> {
    this.#running.add(work)
    const forget = () => this.#running.delete(work)
    work.then(forget, forget)
    return work
  }
}

/** The problem of a transaction of which nothing will ever be visible. */
function aborted(error: unknown, key?: TransactionKey): Problem {
  const { code, options } = problemFromKafka(error)
  const transaction = key === undefined ? {} : { transaction: keyText(key, 'aborted') }
  return new Problem(code, {
    ...options,
    outcome: 'not_written',
    extra: { ...options.extra, ...transaction, state: 'aborted' },
  })
}

function unknown(transaction: string): Problem {
  return new Problem('outcome_unknown', {
    detail: `Kafka did not confirm the commit in time. GET /v1/transactions/${transaction} says what became of it.`,
    outcome: 'unknown',
    extra: { transaction, state: 'unknown' },
  })
}
