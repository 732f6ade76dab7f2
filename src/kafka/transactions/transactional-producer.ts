import { Problem } from '../../problems/problem.ts'
import type { BrokerConnection } from '../broker-connection.ts'
import type { Cluster } from '../cluster.ts'
import type { Deadline } from '../deadline.ts'
import { KafkaCode, kafkaErrorName, problemFromKafkaCode } from '../errors.ts'
import { initProducerId } from '../wire/apis.ts'
import { GROUP_KEY, type OffsetCommitTopic } from '../wire/group-apis.ts'
import type { ProduceAnswer, ProducePart } from '../wire/produce.ts'
import { produceInTransaction, produceInTransactionV2 } from '../wire/produce.ts'
import {
  addOffsetsToTxn,
  addPartitionsToTxn,
  endTxn,
  endTxnV2,
  TRANSACTION_KEY,
  txnOffsetCommit,
  txnOffsetCommitV2,
} from '../wire/transaction-apis.ts'
import type { ProducerIdentity } from '../writer/producer-ids.ts'
import { Unanswered } from './broker-call.ts'
import { Coordinator } from './coordinator.ts'
import type { Protocol, TransactionKey } from './transaction-key.ts'
import type { ResumeOffset } from './types.ts'

/** How an attempt to end a transaction ended: `doubt` where Kafka may or may not have done it. */
export type Ending = 'done' | 'refused' | 'doubt'

/** A producer id that nobody used for so long is asked for anew, ms: Kafka forgets idle ones. */
const FRESH_MS = 3_600_000
/** Epochs end at 32,767; the producer id that follows would make a transaction unrecognisable. */
const LAST_EPOCH = 32_000

/** Answers to EndTxn that say that this try changed nothing. */
const refusals = new Set<number>([
  KafkaCode.INVALID_PRODUCER_EPOCH,
  KafkaCode.PRODUCER_FENCED,
  KafkaCode.INVALID_TXN_STATE,
  KafkaCode.INVALID_PRODUCER_ID_MAPPING,
  KafkaCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
  KafkaCode.TRANSACTION_ABORTABLE,
])

/**
 * One transactional id, for one transaction at a time. Every transaction has an epoch of its own, so that nothing late
 * of one can meet the next, and so that Kafka's state of the id says which transaction it is about: with KIP-890 the
 * end of one gives the next its epoch, before that each begins with InitProducerId.
 */
export class TransactionalProducer {
  readonly transactionalId: string
  readonly #cluster: Cluster
  readonly #timeoutMs: number
  readonly #coordinator: Coordinator
  #identity: ProducerIdentity | undefined
  #protocol: Protocol = 1
  /** When the identity was last known to Kafka, by performance.now(). */
  #heardAt = 0

  /** Kafka aborts a transaction that is open for longer than `timeoutMs`. */
  constructor(cluster: Cluster, transactionalId: string, timeoutMs: number) {
    this.#cluster = cluster
    this.transactionalId = transactionalId
    this.#timeoutMs = timeoutMs
    this.#coordinator = new Coordinator(cluster, TRANSACTION_KEY, transactionalId)
  }

  get exhausted(): boolean {
    return (this.#identity?.producerEpoch ?? 0) >= LAST_EPOCH
  }

  /** The producer id and epoch of the transaction that has begun. */
  get identity(): ProducerIdentity {
    if (this.#identity === undefined) throw new Error('no transaction has begun')
    return this.#identity
  }

  /** By which this transaction is known again, later and elsewhere. */
  get key(): TransactionKey {
    return { transactionalId: this.transactionalId, ...this.identity, protocol: this.#protocol }
  }

  /**
   * Gets an epoch for a transaction, where the last one's end gave none. That fences whoever else used the id, and
   * ends what they left open.
   * @throws Problem
   */
  async begin(deadline: Deadline): Promise<void> {
    if (this.#identity !== undefined && performance.now() - this.#heardAt < FRESH_MS) return
    this.#identity = undefined
    const { errorCode, producerId, producerEpoch } = await this.#ask(
      deadline,
      (connection) => {
        this.#protocol = connection.transactionVersion >= 2 ? 2 : 1
        return connection.call(initProducerId, this.transactionalId, this.#timeoutMs, -1n, -1)
      },
      (answer) => [answer.errorCode],
    )
    if (errorCode !== KafkaCode.NONE) throw problemFromKafkaCode(errorCode)
    this.#identity = { producerId, producerEpoch }
    this.#heardAt = performance.now()
  }

  /**
   * Names the partitions that the transaction will write to; with KIP-890 the first Produce does that by itself.
   * @throws Problem
   */
  async addPartitions(
    deadline: Deadline,
    partitions: readonly { topic: string; partition: number }[],
  ): Promise<void> {
    if (this.#protocol === 2 || partitions.length === 0) return
    const topics = [...Map.groupBy(partitions, ({ topic }) => topic)].map(([name, own]) => ({
      name,
      partitions: own.map(({ partition }) => partition),
    }))
    const transaction = { transactionalId: this.transactionalId, ...this.identity, topics }
    const codesOf = ({ resultsByTransaction: [result] }: Awaited<ReturnType<typeof add>>) =>
      (result?.topicResults ?? []).flatMap((t) => t.resultsByPartition.map((p) => p.partitionErrorCode))
    const add = (connection: BrokerConnection) => connection.call(addPartitionsToTxn, [transaction])
    const answer = await this.#ask(deadline, add, codesOf)
    refuseFirst(codesOf(answer))
  }

  /**
   * Has a group resume at these offsets once the transaction is committed.
   * @throws Problem
   */
  async commitOffsets(deadline: Deadline, group: string, offsets: readonly ResumeOffset[]): Promise<void> {
    const { transactionalId } = this
    const { producerId, producerEpoch } = this.identity
    if (this.#protocol === 1) {
      const answer = await this.#ask(
        deadline,
        (connection) => connection.call(addOffsetsToTxn, transactionalId, producerId, producerEpoch, group),
        ({ errorCode }) => [errorCode],
      )
      refuseFirst([answer.errorCode])
    }
    const family = this.#protocol === 1 ? txnOffsetCommit : txnOffsetCommitV2
    const topics = offsetTopics(offsets)
    const codesOf = ({ topics }: Awaited<ReturnType<typeof commit>>) =>
      topics.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode))
    const commit = (connection: BrokerConnection) =>
      connection.call(family, transactionalId, group, producerId, producerEpoch, -1, '', null, topics)
    const coordinator = new Coordinator(this.#cluster, GROUP_KEY, group)
    refuseFirst(codesOf(await this.#ask(deadline, commit, codesOf, coordinator)))
  }

  /** Sends one Produce request of the transaction. */
  produce(
    connection: BrokerConnection,
    parts: readonly ProducePart[],
    timeoutMs: number,
  ): Promise<ProduceAnswer> {
    const family = this.#protocol === 2 ? produceInTransactionV2 : produceInTransaction
    return connection.call(family, parts, timeoutMs, 'all', this.transactionalId)
  }

  /** Ends the transaction that has begun. The next one begins anew, except where Kafka gave it its epoch. */
  async end(deadline: Deadline, committed: boolean, identity = this.identity): Promise<Ending> {
    const { producerId, producerEpoch } = identity
    const id = this.transactionalId
    this.#identity = undefined
    try {
      const { answer, repeated } = await this.#coordinator.call(
        deadline,
        async (connection): Promise<{ errorCode: number } & Partial<ProducerIdentity>> =>
          this.#protocol === 2
            ? connection.call(endTxnV2, id, producerId, producerEpoch, committed)
            : connection.call(endTxn, id, producerId, producerEpoch, committed),
        ({ errorCode }) => [errorCode],
      )
      if (answer.errorCode === KafkaCode.NONE) {
        const { producerId, producerEpoch } = answer
        if (producerId !== undefined && producerEpoch !== undefined) {
          this.#identity = { producerId, producerEpoch }
          this.#heardAt = performance.now()
        }
        return 'done'
      }
      return refusals.has(answer.errorCode) && !repeated ? 'refused' : 'doubt'
    } catch (error) {
      return error instanceof Unanswered && error.sent ? 'doubt' : 'refused'
    }
  }

  /** A call whose doing twice changes nothing. @throws Problem */
  async #ask<T>(
    deadline: Deadline,
    call: (connection: BrokerConnection) => Promise<T>,
    codesOf: (answer: T) => Iterable<number>,
    coordinator = this.#coordinator,
  ): Promise<T> {
    try {
      return (await coordinator.call(deadline, call, codesOf)).answer
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error
      throw new Problem('kafka_unavailable', {
        detail: 'The coordinator of the transaction did not answer in time.',
        cause: error.cause,
      })
    }
  }
}

/** @throws Problem for the first error number that says why, rather than that another part was at fault */
function refuseFirst(codes: readonly number[]): void {
  const wrong = codes.filter((code) => code !== KafkaCode.NONE)
  const code = wrong.find((code) => code !== KafkaCode.OPERATION_NOT_ATTEMPTED) ?? wrong[0]
  if (code === undefined) return
  if (code === KafkaCode.INVALID_GROUP_ID || code === KafkaCode.OFFSET_METADATA_TOO_LARGE) {
    const [pointer, reason] =
      code === KafkaCode.INVALID_GROUP_ID
        ? ['/offsets/group', 'not a group id Kafka takes']
        : ['/offsets/offsets', "metadata is longer than the brokers' offset.metadata.max.bytes"]
    throw new Problem('invalid_request', { detail: `${pointer}: ${reason}.`, errors: [{ pointer, reason }] })
  }
  throw problemFromKafkaCode(code, undefined, kafkaErrorName(code))
}

function offsetTopics(offsets: readonly ResumeOffset[]): OffsetCommitTopic[] {
  return [...Map.groupBy(offsets, ({ topic }) => topic)].map(([name, own]) => ({
    name,
    partitions: own.map(({ partition, offset, metadata }) => ({
      partitionIndex: partition,
      committedOffset: BigInt(offset),
      committedLeaderEpoch: -1,
      committedMetadata: metadata,
    })),
  }))
}
