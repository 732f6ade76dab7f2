import type { Logger } from 'pino'
import { Problem, type ProblemPart } from '../../problem.ts'
import type { OutgoingRecord } from '../../record.ts'
import { TokenSigner } from '../../signed-token.ts'
import type { Cluster, TopicInfo } from '../cluster.ts'
import { Deadline } from '../deadline.ts'
import { KafkaCode, kafkaErrorName, problemFromKafka } from '../errors.ts'
import { SecretStore } from '../secret-store.ts'
import type { ProduceResult } from '../wire/produce.ts'
import { encodeRecordBatch, type StampedRecord } from '../wire/record-batch-writer.ts'
import { notWritten } from '../writer/verdict.ts'
import { BatchSender, type Sent, unconfirmed } from './batch-sender.ts'
import { compareWithLog } from './compare-with-log.ts'
import { ProducerExpiration } from './expiration.ts'
import { newProducerId } from './new-producer-id.ts'
import type { PartitionTarget } from './partition-leader.ts'
import { askProducerState, type ProducerState } from './producer-states.ts'
import { decodeProducerToken, encodeProducerToken, type ProducerToken } from './producer-token.ts'
import { RecentProducers } from './recent-producers.ts'
import {
  conflict,
  forgotten,
  MAX_SEQUENCE,
  mostTimestampAge,
  refusalAfter,
  refusalBefore,
  reliableFor,
  type SequenceRange,
} from './sequence-rules.ts'

/** A producer as it was opened. */
export interface OpenedProducer {
  /** Opaque; whoever has it may write as this producer. */
  readonly producer: string
  readonly partition: number
  readonly nextSequence: number
}

/** Records that are in the log, once. */
export interface ConfirmedWrite {
  readonly partition: number
  /** Of the first record; the others follow without a gap. */
  readonly offset: number
  /** Of the first record, milliseconds since the epoch, as stored; undefined where it is gone from the log by now. */
  readonly timestamp: number | undefined
  /** The sequence number of the next record to write. */
  readonly nextSequence: number
  /** They were there before. */
  readonly duplicate: boolean
}

/** What is known of a producer before a try. */
interface Before {
  /** -1 for none. */
  readonly lastSequence: number
  readonly expirationMs: number
  /** The leader was asked; otherwise this gateway remembers it. */
  readonly asked: boolean
}

const sequenceErrors = new Set<number>([
  KafkaCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
  KafkaCode.DUPLICATE_SEQUENCE_NUMBER,
  KafkaCode.UNKNOWN_PRODUCER_ID,
])
const fenced = new Set<number>([KafkaCode.INVALID_PRODUCER_EPOCH, KafkaCode.PRODUCER_FENCED])
/** What is remembered of a producer serves so long at most, ms. */
const MOST_REMEMBERED_MS = 60_000
const RACE_PAUSE_MS = 20

/**
 * Writes for clients that may send anything twice: each names its records by a producer and sequence numbers, which Kafka
 * keeps with the log (KIP-98), so any gateway, after any failure, finds out what was written. Nothing is kept here but a
 * memory of what was seen a moment ago.
 */
export class ExactlyOnceWriter {
  readonly #cluster: Cluster
  readonly #secrets: SecretStore
  readonly #sender: BatchSender
  readonly #expiration: ProducerExpiration
  readonly #timeoutMs: number
  readonly #recent = new RecentProducers()
  #signer: TokenSigner | undefined

  /** Every call ends within `timeoutMs`. */
  constructor(
    cluster: Cluster,
    secrets: SecretStore,
    sender: BatchSender,
    expiration: ProducerExpiration,
    timeoutMs: number,
  ) {
    this.#cluster = cluster
    this.#secrets = secrets
    this.#sender = sender
    this.#expiration = expiration
    this.#timeoutMs = timeoutMs
  }

  /**
   * Opens a producer for one partition, any with a leader where none is named.
   * @throws Problem topic_not_found, partition_not_found, kafka_unavailable, kafka_auth_failed, kafka_authorization
   */
  async open(topic: string, partition?: number): Promise<OpenedProducer> {
    const deadline = new Deadline(this.#timeoutMs)
    const info = await this.#topicWith(topic, partition, deadline)
    const chosen = partition ?? anyPartition(info)
    const secret = await deadline.within(this.#secrets.get())
    const identity = await newProducerId(this.#cluster, deadline)
    const token = { ...identity, topicId: info.id, partition: chosen, issuedAt: Date.now() }
    this.#signer ??= signerWith(secret)
    return {
      producer: this.#signer.sign(encodeProducerToken(token), topic),
      partition: chosen,
      nextSequence: 0,
    }
  }

  async #topicWith(topic: string, partition = 0, deadline: Deadline): Promise<TopicInfo> {
    const cached = await deadline.within(this.#cluster.topic(topic))
    const isThere = cached?.partitions[partition] !== undefined
    const info = isThere ? cached : await deadline.within(this.#cluster.refreshTopic(topic))
    if (info === undefined) throw new Problem('topic_not_found', { detail: `There is no topic ${topic}.` })
    if (info.partitions[partition] !== undefined) return info
    const last = info.partitions.length - 1
    throw new Problem('partition_not_found', { detail: `The partitions of ${topic} are 0 to ${last}.` })
  }

  /**
   * What a producer's text says, if a gateway of this Kafka gave it out for this topic.
   * @throws Problem invalid_producer; as SecretStore.find
   */
  async verify(topic: string, producer: string): Promise<ProducerToken> {
    if (this.#signer === undefined) {
      const secret = await this.#secrets.find()
      if (secret === undefined) throw new Problem('invalid_producer')
      this.#signer = signerWith(secret)
    }
    const payload = this.#signer.open(producer, topic)
    const token = payload && decodeProducerToken(payload)
    if (token === undefined) throw new Problem('invalid_producer')
    return token
  }

  /**
   * Writes records as one batch, all or none, the first of them under sequence number `first`; or finds out that it was
   * done before. Safe to call again with the same arguments at any time, at any gateway, also while it is under way.
   * Partitions that records name are not looked at.
   * @throws Problem write_unconfirmed, kafka_unavailable, not_enough_replicas: call again; sequence_gap,
   * sequence_conflict, sequence_expired, producer_expired, invalid_sequence; topic_not_found; invalid_request for a
   * timestamp that is too old; record_too_large and its like, of the batch as a whole
   */
  async write(
    topic: string,
    token: ProducerToken,
    first: number,
    records: readonly OutgoingRecord[],
    timeoutMs: number = this.#timeoutMs,
  ): Promise<ConfirmedWrite> {
    const range = { first, last: first + records.length - 1 }
    if (range.last > MAX_SEQUENCE) {
      const detail = `The last record would have the number ${range.last}: open another producer.`
      throw new Problem('invalid_sequence', { detail, outcome: 'not_written' })
    }
    try {
      return await this.#write({ topic, ...token }, range, records, new Deadline(timeoutMs))
    } catch (error) {
      const problem = problemFromKafka(error)
      // Whatever kept this try out, an earlier one may have been written.
      throw new Problem(problem.code, { outcome: 'unknown', ...problem.options })
    }
  }

  async #write(
    target: PartitionTarget & ProducerToken,
    range: SequenceRange,
    records: readonly OutgoingRecord[],
    deadline: Deadline,
  ): Promise<ConfirmedWrite> {
    const now = Date.now()
    const stamped = records.map((record) => ({ ...record, timestamp: record.timestamp ?? now }))
    const batch = encodeRecordBatch(stamped, { ...target, baseSequence: range.first })
    let before = this.#remembered(target) ?? (await this.#ask(target, range, deadline))
    for (;;) {
      if (isTooOld(stamped, now, before.expirationMs)) {
        if (!before.asked) before = await this.#ask(target, range, deadline)
        // It may have been new enough when it was written.
        if (before.lastSequence < range.first) throw tooOld(before.expirationMs)
      }
      const reliable = new Deadline(Math.min(deadline.left, reliableFor(before.expirationMs)))
      const sent = await this.#sender.send({ ...target, batch }, reliable)
      const { errorCode } = sent.result
      if (errorCode === KafkaCode.NONE) {
        return await this.#confirm(target, range, stamped, records, before, sent, deadline)
      }
      if (fenced.has(errorCode)) throw forgotten()
      this.#recent.forget(target)
      if (before.asked && before.lastSequence >= range.first && sequenceErrors.has(errorCode))
        throw refusalAfter(before.lastSequence, range)
      const after = await this.#ask(target, range, deadline)
      if (!sequenceErrors.has(errorCode)) throw refusal(sent, range, after)
      // Another call of the same producer came in between.
      before = after
      await deadline.pause(RACE_PAUSE_MS)
      if (deadline.passed) throw unconfirmed(kafkaErrorName(errorCode))
    }
  }

  #remembered(token: ProducerToken): Before | undefined {
    const seen = this.#recent.get(token)
    return seen && { ...seen, asked: false }
  }

  /** @throws Problem where the range may not be sent */
  async #ask(
    target: PartitionTarget & ProducerToken,
    range: SequenceRange,
    deadline: Deadline,
  ): Promise<Before> {
    const state: ProducerState = await askProducerState(
      this.#cluster,
      this.#expiration,
      target,
      target,
      deadline,
    )
    const refused = refusalBefore(state, target.issuedAt, range, Date.now())
    if (refused !== undefined) throw refused
    return {
      lastSequence: state.known?.lastSequence ?? -1,
      expirationMs: state.expirationMs,
      asked: true,
    }
  }

  /** Takes the leader's word that it has the batch, and finds out whether it has just got it. */
  async #confirm(
    target: PartitionTarget & ProducerToken,
    range: SequenceRange,
    stamped: readonly StampedRecord[],
    records: readonly OutgoingRecord[],
    before: Before,
    { result, inDoubt }: Sent,
    deadline: Deadline,
  ): Promise<ConfirmedWrite> {
    const offset = safeOffset(result)
    const wasThere = before.lastSequence >= range.first
    let duplicate = false
    let timestamp: number | undefined = stamped[0]!.timestamp
    // A first append answers -1 where records keep their own time; otherwise the log has to tell.
    if (result.logAppendTime >= 0n) {
      const logged = await this.#compare(target, offset, records, deadline)
      if (!logged.same) throw conflict()
      const brokersTime = logged.first?.timestampType === 'LogAppendTime'
      duplicate = wasThere || !(inDoubt || brokersTime)
      timestamp = logged.first?.offset === offset ? Number(logged.first.timestamp) : undefined
    }
    if (!duplicate) {
      const { expirationMs } = before
      const lastsMs = Math.min(MOST_REMEMBERED_MS, reliableFor(expirationMs))
      // Where every answer looks like a duplicate's, only the leader can say what was there before.
      if (result.logAppendTime < 0n) {
        this.#recent.saw(target, { lastSequence: range.last, expirationMs }, lastsMs)
      }
    }
    return { partition: target.partition, offset, timestamp, nextSequence: range.last + 1, duplicate }
  }

  /** @throws Problem write_unconfirmed where the log can't be read in time */
  async #compare(
    target: PartitionTarget,
    offset: number,
    records: readonly OutgoingRecord[],
    deadline: Deadline,
  ) {
    try {
      return await compareWithLog(this.#cluster, target, offset, records, deadline)
    } catch (error) {
      const problem = problemFromKafka(error)
      throw problem.code === 'kafka_unavailable'
        ? unconfirmed(problem.options.cause ?? problem.message)
        : problem
    }
  }
}

/** The writer with what it is made of. `secret` signs its tokens; where undefined, one that is kept in Kafka. */
export function createExactlyOnceWriter(
  cluster: Cluster,
  secret: string | undefined,
  timeoutMs: number,
  log: Pick<Logger, 'info' | 'warn'>,
): ExactlyOnceWriter {
  const ackTimeoutMs = Math.max(250, Math.min(5_000, Math.floor(timeoutMs * 0.4)))
  const sender = new BatchSender(cluster, ackTimeoutMs)
  const secrets = new SecretStore(cluster, sender, secret, log)
  return new ExactlyOnceWriter(cluster, secrets, sender, new ProducerExpiration(cluster, log), timeoutMs)
}

function signerWith(secret: string | Buffer): TokenSigner {
  return new TokenSigner(secret, 'producer')
}

/** One that can be written to now, if there is any. */
function anyPartition({ partitions }: TopicInfo): number {
  const led = partitions.filter(({ leader }) => leader >= 0)
  const choice = led.length > 0 ? led : partitions
  return choice[Math.floor(Math.random() * choice.length)]!.partition
}

/** Whether Kafka, which counts from the newest timestamp of a batch, would forget its producer too early. */
function isTooOld(stamped: readonly StampedRecord[], now: number, expirationMs: number): boolean {
  const newest = stamped.reduce((max, { timestamp }) => Math.max(max, timestamp), 0)
  return newest < now - mostTimestampAge(expirationMs)
}

function tooOld(expirationMs: number): Problem {
  const hours = Math.round(mostTimestampAge(expirationMs) / 360_000) / 10
  const detail = `The newest timestamp of a PUT may be ${hours} hours old at most, since Kafka remembers a producer by it.`
  return new Problem('invalid_request', { detail, outcome: 'not_written' })
}

/** What keeps a batch out whatever its numbers are. Nothing of it is in the log where none of its numbers is. */
function refusal({ result, inDoubt }: Sent, range: SequenceRange, after: Before): Problem {
  const { code, options } = notWritten(result.errorCode)
  const errors = result.recordErrors.map((index): ProblemPart => {
    return { pointer: `/records/${index}`, reason: 'Kafka refused this record' }
  })
  const isBatch = range.last > range.first
  const detail = 'The records of one PUT are one batch, and it is larger than the topic allows.'
  return new Problem(code, {
    ...options,
    ...(code === 'record_too_large' && isBatch ? { detail } : {}),
    ...(errors.length > 0 && isBatch ? { errors } : {}),
    outcome: inDoubt || after.lastSequence >= range.first ? 'unknown' : 'not_written',
  })
}

/** @throws Problem internal_error for an offset that JSON can't carry exactly */
function safeOffset({ baseOffset }: ProduceResult): number {
  const offset = Number(baseOffset)
  if (baseOffset >= 0n && Number.isSafeInteger(offset)) return offset
  throw new Problem('internal_error', { cause: `the broker answered offset ${baseOffset}` })
}
