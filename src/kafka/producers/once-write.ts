import { Problem, type ProblemPart } from '../../problems/problem.ts'
import type { OutgoingRecord } from '../../records/record.ts'
import type { Cluster } from '../cluster.ts'
import type { Deadline } from '../deadline.ts'
import { KafkaCode, kafkaErrorName, problemFromKafka } from '../errors.ts'
import type { Codec } from '../wire/compress.ts'
import type { ProduceResult } from '../wire/produce.ts'
import { encodeRecordBatch, type StampedRecord } from '../wire/record-batch-writer.ts'
import { notWritten } from '../writer/verdict.ts'
import { type BatchSender, type Sent, unconfirmed } from './batch-sender.ts'
import { compareWithLog, type LoggedBatch } from './compare-with-log.ts'
import type { ProducerExpiration } from './expiration.ts'
import { findInLog } from './find-in-log.ts'
import type { PartitionTarget } from './partition-leader.ts'
import { askProducerState } from './producer-states.ts'
import type { ProducerToken } from './producer-token.ts'
import type { RecentProducers } from './recent-producers.ts'
import {
  conflict,
  forgotten,
  mostTimestampAge,
  refusalAfter,
  refusalBefore,
  reliableFor,
  type SequenceRange,
} from './sequence-rules.ts'

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

/** What writes have in common. */
export interface OnceWriteMeans {
  readonly cluster: Cluster
  readonly sender: BatchSender
  readonly expiration: ProducerExpiration
  readonly recent: RecentProducers
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

/** One try of a client to have a batch written under its sequence numbers. */
export class OnceWrite {
  readonly #means: OnceWriteMeans
  readonly #target: PartitionTarget & ProducerToken
  readonly #range: SequenceRange
  readonly #records: readonly OutgoingRecord[]
  readonly #stamped: readonly StampedRecord[]
  readonly #codec: Codec
  readonly #startedAt = Date.now()
  readonly #deadline: Deadline

  constructor(
    means: OnceWriteMeans,
    target: PartitionTarget & ProducerToken,
    range: SequenceRange,
    records: readonly OutgoingRecord[],
    codec: Codec,
    deadline: Deadline,
  ) {
    this.#means = means
    this.#target = target
    this.#range = range
    this.#records = records
    this.#stamped = records.map((record) => ({ ...record, timestamp: record.timestamp ?? this.#startedAt }))
    this.#codec = codec
    this.#deadline = deadline
  }

  /** @throws as ExactlyOnceWriter.write */
  async run(): Promise<ConfirmedWrite> {
    try {
      return await this.#write()
    } catch (error) {
      const isExpired =
        error instanceof Problem && (error.code === 'sequence_expired' || error.code === 'producer_expired')
      // The broker does not know the range again, but the log may still show it.
      const found = isExpired ? await this.#find() : undefined
      if (found === undefined) throw error
      return found
    }
  }

  async #write(): Promise<ConfirmedWrite> {
    const { sender, recent } = this.#means
    const identity = { ...this.#target, baseSequence: this.#range.first }
    const batch = encodeRecordBatch(this.#stamped, identity, this.#codec)
    let before = this.#remembered() ?? (await this.#ask())
    for (;;) {
      if (this.#isTooOld(before.expirationMs)) {
        if (!before.asked) before = await this.#ask()
        // It may have been new enough when it was written.
        if (before.lastSequence < this.#range.first) throw this.#tooOld(before.expirationMs)
      }
      const reliable = this.#deadline.slice(reliableFor(before.expirationMs))
      const sent = await sender.send({ ...this.#target, batch }, reliable)
      const { errorCode } = sent.result
      if (errorCode === KafkaCode.NONE) return await this.#confirm(before, sent)
      if (fenced.has(errorCode)) throw forgotten()
      recent.forget(this.#target)
      const isSequenceError = sequenceErrors.has(errorCode)
      if (isSequenceError && before.asked && before.lastSequence >= this.#range.first) {
        throw refusalAfter(before.lastSequence, this.#range)
      }
      before = await this.#ask()
      if (!isSequenceError) throw this.#refusal(sent, before)
      // Another write of the same producer came in between.
      await this.#deadline.pause(RACE_PAUSE_MS)
      if (this.#deadline.passed) throw unconfirmed(kafkaErrorName(errorCode))
    }
  }

  #remembered(): Before | undefined {
    const seen = this.#means.recent.get(this.#target)
    return seen && { ...seen, asked: false }
  }

  /** @throws Problem where the range may not be sent */
  async #ask(): Promise<Before> {
    const { cluster, expiration } = this.#means
    const state = await askProducerState(cluster, expiration, this.#target, this.#target, this.#deadline)
    const refused = refusalBefore(state, this.#target.issuedAt, this.#range, Date.now())
    if (refused !== undefined) throw refused
    const { known, expirationMs } = state
    return { lastSequence: known?.lastSequence ?? -1, expirationMs, asked: true }
  }

  /** Whether Kafka, which counts from the newest timestamp of a batch, would forget its producer too early. */
  #isTooOld(expirationMs: number): boolean {
    const newest = this.#stamped.reduce((max, { timestamp }) => Math.max(max, timestamp), 0)
    return newest < this.#startedAt - mostTimestampAge(expirationMs)
  }

  #tooOld(expirationMs: number): Problem {
    const least = new Date(this.#startedAt - mostTimestampAge(expirationMs)).toISOString()
    const reason = `the newest may not be before ${least}, since Kafka remembers a producer by it`
    const pointer = this.#records.length > 1 ? '/records' : '/timestamp'
    const detail = `The timestamp is too old: ${reason}.`
    return new Problem('invalid_request', { detail, errors: [{ pointer, reason }], outcome: 'not_written' })
  }

  /** Takes the leader's word that it has the batch, and finds out whether it has just got it. */
  async #confirm(before: Before, { result, inDoubt }: Sent): Promise<ConfirmedWrite> {
    const offset = safeOffset(result)
    // A first append answers -1 where records keep their own time.
    if (result.logAppendTime < 0n) {
      const { expirationMs } = before
      const lastsMs = Math.min(MOST_REMEMBERED_MS, reliableFor(expirationMs))
      this.#means.recent.saw(this.#target, { lastSequence: this.#range.last, expirationMs }, lastsMs)
      return this.#confirmed(offset, this.#stamped[0]!.timestamp, false)
    }
    const logged = await this.#compare(offset)
    const wasThere = before.lastSequence >= this.#range.first
    const isFirst = !wasThere && this.#isOwn(before, inDoubt, logged)
    return this.#confirmed(offset, timeAt(offset, logged), !isFirst)
  }

  /** Whether what the log holds, and did not hold before as far as is known, is of this call and not of another. */
  #isOwn({ asked }: Before, inDoubt: boolean, { first }: LoggedBatch): boolean {
    // Where the broker stamps records every answer looks like a duplicate's.
    if (first?.timestampType === 'LogAppendTime') return true
    // Another try has another time, unless the client gave it.
    const isGiven = this.#records[0]!.timestamp !== undefined
    return inDoubt && (isGiven ? asked : first?.timestamp === this.#stamped[0]!.timestamp)
  }

  /** Undefined where the log does not show the range. @throws Problem sequence_conflict, write_unconfirmed */
  async #find(): Promise<ConfirmedWrite | undefined> {
    const { cluster } = this.#means
    const found = await orUnconfirmed(findInLog(cluster, this.#target, this.#range, this.#deadline))
    if (found === undefined) return undefined
    if (!found.exact) throw conflict()
    const logged = await this.#compare(found.baseOffset)
    return this.#confirmed(found.baseOffset, timeAt(found.baseOffset, logged), true)
  }

  /** @throws Problem sequence_conflict where the log holds something else; write_unconfirmed */
  async #compare(offset: number): Promise<LoggedBatch> {
    const { cluster } = this.#means
    const logged = await orUnconfirmed(
      compareWithLog(cluster, this.#target, offset, this.#records, this.#deadline),
    )
    if (!logged.same) throw conflict()
    return logged
  }

  #confirmed(offset: number, timestamp: number | undefined, duplicate: boolean): ConfirmedWrite {
    const { partition } = this.#target
    return { partition, offset, timestamp, nextSequence: this.#range.last + 1, duplicate }
  }

  /** What keeps a batch out whatever its numbers are. Nothing of it is in the log where none of its numbers is. */
  #refusal({ result, inDoubt }: Sent, after: Before): Problem {
    const { code, options } = notWritten(result.errorCode)
    const isBatch = this.#range.last > this.#range.first
    const errors = result.recordErrors.map((index): ProblemPart => {
      return { pointer: `/records/${index}`, reason: 'Kafka refused this record' }
    })
    const detail = 'The records of one PUT are one batch, and it is larger than the topic allows.'
    return new Problem(code, {
      ...options,
      ...(code === 'record_too_large' && isBatch ? { detail } : {}),
      ...(errors.length > 0 && isBatch ? { errors } : {}),
      outcome: inDoubt || after.lastSequence >= this.#range.first ? 'unknown' : 'not_written',
    })
  }
}

/** When the record at an offset was stored, where it is still there. */
function timeAt(offset: number, { first }: LoggedBatch): number | undefined {
  return first?.offset === offset ? Number(first.timestamp) : undefined
}

/** What reading the log gives. @throws Problem write_unconfirmed where that is not to be had in time */
async function orUnconfirmed<T>(reading: Promise<T>): Promise<T> {
  try {
    return await reading
  } catch (error) {
    const { code, options, message } = problemFromKafka(error)
    throw code === 'kafka_unavailable' ? unconfirmed(options.cause ?? message) : error
  }
}

/** @throws Problem internal_error for an offset that JSON can't carry exactly */
function safeOffset({ baseOffset }: ProduceResult): number {
  const offset = Number(baseOffset)
  if (baseOffset >= 0n && Number.isSafeInteger(offset)) return offset
  throw new Problem('internal_error', { cause: `the broker answered offset ${baseOffset}` })
}
