import { setMaxListeners } from 'node:events'
import type { Logger } from 'pino'
import { Problem } from '../../problems/problem.ts'
import type { Cluster } from '../cluster.ts'
import { Deadline } from '../deadline.ts'
import type { Codec } from '../wire/compress.ts'
import { aborted, supersededOr, unknown } from './ending-problems.ts'
import { fingerprintOf, mementoOf, nameOfId, readRuns, recall, shortKey } from './memory.ts'
import { PartitionWrite } from './partition-write.ts'
import { type PartitionRecords, placeRecords } from './placement.ts'
import { produceAll } from './produce-all.ts'
import { ProducerPool } from './producer-pool.ts'
import { askKafka, stateOfId, stateOfTransaction } from './state.ts'
import { keyText, type TransactionKey } from './transaction-key.ts'
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
  /** The transaction as text, for `stateOf`; the client's id where it gave one. */
  readonly transaction: string
  /** An earlier request with this id had been committed, and this one did nothing. */
  readonly duplicate: boolean
  /** In the order of the request's records; null for a duplicate of more than is remembered. */
  readonly results: readonly WrittenRecord[] | null
}

/** A transaction on its way. */
interface Run {
  readonly request: TransactionRequest
  readonly producer: TransactionalProducer
  readonly deadline: Deadline
  /** The client's own. */
  readonly id: string | undefined
}

/** How much longer Kafka keeps a transaction open than the gateway works on it, ms. */
export const GRACE_MS = 5_000
/** The part of a transaction's time that is kept for its end, and the most of it, ms. */
const END_SHARE = 0.25
const MAX_END_MS = 3_000
/** How long a transaction that failed is tried to be ended for its readers' sake, ms. */
const CLEAN_UP_MS = 10_000
/** The same when the gateway stops, ms. */
const LAST_CLEAN_UP_MS = 1_500
const POLL_MS = 50
/** The part of its time that a request waits for an earlier one with its id to end, before it ends that. */
const PATIENCE = 0.25
/** The part of the time for the end in which the commit is repeated; in the rest Kafka is asked what became of it. */
const COMMIT_SHARE = 0.7

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
   * Commits a transaction, and answers within `timeoutMs`. With an `id` it is committed once, however often it is asked
   * for: a later request ends an earlier one that is still under way, and finds one that was committed.
   * @throws Problem with outcome not_written where it is certain that nothing of it will ever be read by a
   * read_committed reader; where that is not known, with the `transaction` to ask for, write_unconfirmed of one with an
   * id, which can be asked for again, and outcome_unknown of one without; transaction_conflict where the id was used for something else
   */
  async commit(
    request: TransactionRequest,
    { timeoutMs = this.#options.timeoutMs, id }: { timeoutMs?: number; id?: string | undefined } = {},
  ): Promise<Committed> {
    if (this.#stopping.signal.aborted) throw aborted(new Problem('shutting_down'))
    const deadline = new Deadline(timeoutMs, this.#stopping.signal)
    let producer: TransactionalProducer
    try {
      producer = id === undefined ? this.#pool.take() : this.#pool.takeNamed(nameOfId(id))
    } catch (error) {
      throw aborted(error)
    }
    try {
      const committed = await this.#track(this.#run({ request, producer, deadline, id }))
      if (!committed.duplicate) this.#count(request, 'written')
      return committed
    } catch (error) {
      const isUnknown = error instanceof Problem && error.options.outcome === 'unknown'
      this.#count(request, isUnknown ? 'unknown' : 'not_written')
      throw error
    }
  }

  #count({ records }: TransactionRequest, outcome: 'written' | 'not_written' | 'unknown'): void {
    const { traffic } = this.#cluster.meter
    for (const [topic, own] of Map.groupBy(records, (record) => record.topic)) {
      if (this.#cluster.cachedTopic(topic) === undefined) traffic.refused(own.length)
      else
        traffic.producedAll(
          topic,
          own.map(({ record }) => record),
          outcome,
        )
    }
  }

  async #run(run: Run): Promise<Committed> {
    const { request, producer, deadline, id } = run
    const work = deadline.slice(deadline.left - Math.min(MAX_END_MS, deadline.left * END_SHARE))
    let key: TransactionKey | undefined
    let results: WrittenRecord[]
    try {
      const placed = await placeRecords(this.#cluster, request, work)
      if (id !== undefined) await this.#letFinish(id, work.slice(work.left * PATIENCE))
      await producer.begin(work)
      key = producer.key
      const earlier = id === undefined ? undefined : await this.#committedAs(id, request, key, work)
      if (earlier !== undefined) {
        this.#release(run)
        return earlier
      }
      results = await this.#write(run, placed, work)
    } catch (error) {
      // Nobody will commit it: ending it now only spares its readers the wait for Kafka to do so.
      if (key === undefined) this.#release(run)
      else this.#abort(run)
      throw aborted(supersededOr(error, id), id ?? (key && keyText(key, 'aborted')))
    }
    const ending = await producer.end(deadline.slice(deadline.left * COMMIT_SHARE), true)
    const transaction = (ended?: 'committed' | 'aborted') => id ?? keyText(key, ended)
    const committed = { transaction: transaction('committed'), duplicate: false, results }
    const state = ending === 'doubt' ? await this.#settled(run, key, committed) : ending
    if (typeof state === 'object' || state === 'done') {
      this.#release(run)
      return state === 'done' ? committed : state
    }
    if (state === 'refused' || state === 'aborted') {
      this.#release(run)
      const lost = new Problem('kafka_unavailable', { detail: 'Kafka aborted the transaction.' })
      throw aborted(id === undefined ? lost : new Problem('transaction_superseded'), transaction('aborted'))
    }
    this.#log.warn({ transaction: transaction() }, 'the outcome of a transaction is not known')
    this.#endUnknown(run, key)
    throw unknown(transaction(), id !== undefined)
  }

  /** Waits a while for an earlier request with the id: one that is about to commit need not be undone and done again. */
  async #letFinish(id: string, deadline: Deadline): Promise<void> {
    while (!deadline.passed) {
      const state = await this.stateOf(id, deadline).catch(() => undefined)
      if (state !== 'ongoing') return
      await deadline.pause(POLL_MS)
    }
  }

  /**
   * What some request with the id committed. Once the id's producer has begun, nothing earlier can be committed any more
   * that is not yet.
   */
  async #committedAs(
    id: string,
    request: TransactionRequest,
    key: TransactionKey,
    deadline: Deadline,
  ): Promise<Committed | undefined> {
    const found = await recall(this.#cluster, id, deadline, request)
    if (found === undefined) return undefined
    if (found.fingerprint !== fingerprintOf(request)) throw new Problem('transaction_conflict')
    const results = readRuns(found.runs, request)
    return { transaction: id, duplicate: found.key !== shortKey(key), results }
  }

  async #write(
    { request, producer, id }: Run,
    placed: readonly PartitionRecords[],
    deadline: Deadline,
  ): Promise<WrittenRecord[]> {
    const { records, offsets } = request
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
    await produceAll(this.#cluster, writes, deadline, (...parts) => producer.produce(...parts))
    if (id !== undefined) {
      await producer.commitOffsets(deadline, nameOfId(id), [mementoOf(request, producer.key, results)])
    }
    return results
  }

  #release({ producer, id }: Run): void {
    if (id === undefined) this.#pool.giveBack(producer)
    else this.#pool.discard()
  }

  #abort(run: Run): void {
    const { producer } = run
    void this.#track(
      producer.end(this.#cleanUpDeadline(), false).then((ending) => {
        if (ending === 'doubt') this.#log.warn({ id: producer.transactionalId }, 'could not abort in time')
        this.#release(run)
      }),
    )
  }

  /** Has Kafka decide now rather than when the transaction times out: an abort that comes second is refused. */
  #endUnknown({ producer }: Run, key: TransactionKey): void {
    const ended = producer.end(this.#cleanUpDeadline(), false, key)
    void this.#track(ended.finally(() => this.#pool.discard()))
  }

  #cleanUpDeadline(): Deadline {
    return new Deadline(this.#stopping.signal.aborted ? LAST_CLEAN_UP_MS : CLEAN_UP_MS)
  }

  /**
   * What Kafka says of a transaction whose commit it did not confirm, once it says something definite; undefined where it
   * doesn't by the deadline.
   */
  async #settled(
    { request, deadline, id }: Run,
    key: TransactionKey,
    committed: Committed,
  ): Promise<Committed | 'aborted' | undefined> {
    while (!deadline.passed) {
      if (id === undefined) {
        const state = await askKafka(this.#cluster, key, deadline).catch(() => undefined)
        if (state === 'committed') return committed
        if (state === 'aborted') return state
      } else {
        // The coordinator may already tell of another request with the id.
        const found = await this.#committedAs(id, request, key, deadline).catch(() => undefined)
        if (found !== undefined) return found.duplicate ? found : committed
      }
      await deadline.pause(POLL_MS)
    }
    return undefined
  }

  /**
   * What became of a transaction, by the text that an answer named it with or the client's own id. Any gateway can say.
   * @throws Problem transaction_not_found; kafka_unavailable
   */
  stateOf(
    transaction: string,
    deadline = new Deadline(this.#options.timeoutMs, this.#stopping.signal),
  ): Promise<TransactionState> {
    return isId(transaction)
      ? stateOfId(this.#cluster, transaction, deadline)
      : stateOfTransaction(this.#cluster, transaction, deadline)
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

/** Whether a text can be an id that a client gives its transaction. Those of the gateway have dots. */
export function isId(text: string): boolean {
  return /^[A-Za-z0-9_-]{1,64}$/.test(text)
}
