import type { Problem } from '../../problem.ts'
import type { ProduceResult } from '../wire/produce.ts'
import { encodeRecordBatch, type StampedRecord } from '../wire/record-batch-writer.ts'
import { kafkaErrorName } from '../errors.ts'
import type { ProducerIdentity } from './producer-ids.ts'
import { mayHaveAppended, notWritten, outcomeUnknown, unavailable, verdictOf } from './verdict.ts'
import type { RecordResult, WriteRequest } from './write-request.ts'

/** One record waiting for its place in a batch. */
export interface PendingRecord {
  readonly record: StampedRecord
  /** The most bytes it takes in a batch. */
  readonly size: number
  /** By performance.now(), ms. */
  readonly deadline: number
  readonly request: WriteRequest
  readonly index: number
  /** It has its outcome. */
  settled: boolean
}

/** Records sent, or to be sent, as one unit: the same bytes at every try. */
export interface Batch {
  readonly records: readonly PendingRecord[]
  readonly bytes: Buffer
  inFlight: boolean
  tries: number
  /** Some try can have put it in the log. */
  maybeAppended: boolean
  /** Its records have their outcome; a late answer changes nothing. */
  settled: boolean
}

/** What the writer must do after an answer, besides sending what waits. */
export type After = 'nothing' | 'refresh'

/** Kafka's brokers take 1,048,588 bytes a batch by default (max.message.bytes); a larger record travels alone. */
const MAX_BATCH_BYTES = 1_000_000
const BATCH_OVERHEAD = 61
/** How long a topic's smaller limit, once met, is kept to, ms. */
const BYTE_LIMIT_AGE_MS = 60_000
const MIN_BACKOFF_MS = 20
const MAX_BACKOFF_MS = 500

/**
 * The write side of one partition: records that wait, and the one batch on its way.
 *
 * One batch is in flight at a time. While it is, the next fills: batches grow by themselves as the load does, no timer
 * is needed, and no failure can leave a gap in the sequence numbers behind it. It does no I/O of its own.
 */
export class PartitionQueue {
  readonly topic: string
  readonly partition: number
  #pending: PendingRecord[] = []
  #head = 0
  #batch: Batch | undefined
  #identity: ProducerIdentity | undefined
  /** The producer id that must not be used here again: its next sequence number is in doubt. */
  #spent: ProducerIdentity | undefined
  #sequence = 0
  #byteLimit = MAX_BATCH_BYTES
  #byteLimitUntil = 0
  #failures = 0
  #lastProblem: Problem | undefined
  /** Not to be sent before this, by performance.now(). */
  notBefore = 0

  constructor(topic: string, partition: number) {
    this.topic = topic
    this.partition = partition
  }

  get hasWork(): boolean {
    return this.#batch !== undefined || this.#head < this.#pending.length
  }

  get inFlight(): boolean {
    return this.#batch?.inFlight ?? false
  }

  /** True while its last try failed: records without a key go elsewhere. */
  get failing(): boolean {
    return this.#failures > 0
  }

  get failures(): number {
    return this.#failures
  }

  push(record: PendingRecord): void {
    this.#pending.push(record)
  }

  /** Whether the next batch can be made with this producer id. */
  accepts(identity: ProducerIdentity): boolean {
    return this.#batch !== undefined || this.#identity !== undefined || identity !== this.#spent
  }

  /**
   * The batch to send now: the one to be sent again, else a new one of what waits, with the next sequence numbers.
   * Call only where there is work, nothing is in flight and `accepts` said yes.
   */
  take(identity: ProducerIdentity): Batch {
    if (this.#batch === undefined) {
      if (this.#identity === undefined) {
        this.#identity = identity
        this.#sequence = 0
      }
      this.#batch = this.#form(this.#identity)
    }
    this.#batch.inFlight = true
    this.#batch.tries++
    return this.#batch
  }

  #form(identity: ProducerIdentity): Batch {
    const limit = performance.now() < this.#byteLimitUntil ? this.#byteLimit : MAX_BATCH_BYTES
    let size = BATCH_OVERHEAD
    let end = this.#head
    for (; end < this.#pending.length; end++) {
      const next = this.#pending[end]!
      if (end > this.#head && size + next.size > limit) break
      size += next.size
    }
    const records = this.#pending.slice(this.#head, end)
    if (end === this.#pending.length) {
      this.#pending = []
      this.#head = 0
    } else {
      this.#head = end
      // What has been taken is let go of now and then, so that a long queue is not copied for every batch.
      if (this.#head > 1_024 && this.#head * 2 > this.#pending.length) {
        this.#pending = this.#pending.slice(this.#head)
        this.#head = 0
      }
    }
    const bytes = encodeRecordBatch(
      records.map((r) => r.record),
      { ...identity, baseSequence: this.#sequence },
    )
    return { records, bytes, inFlight: false, tries: 0, maybeAppended: false, settled: false }
  }

  /** Takes the broker's answer to a batch. */
  answer(batch: Batch, result: ProduceResult): After {
    batch.inFlight = false
    if (batch.settled) return 'nothing'
    const code = result.errorCode
    switch (verdictOf(code)) {
      case 'written':
        this.#written(batch, result)
        return 'nothing'
      case 'retry':
        batch.maybeAppended ||= mayHaveAppended(code)
        this.#backOff(notWritten(code))
        return 'refresh'
      case 'renew':
        return this.#renew(batch, code)
      case 'split':
        return this.#split(batch, code)
      case 'refuse':
        return this.#refuse(batch, result)
    }
  }

  /** Takes the news that no answer will come: the bytes went out, so the broker may have appended them. */
  unanswered(batch: Batch, cause: unknown): void {
    batch.inFlight = false
    if (batch.settled) return
    batch.maybeAppended = true
    this.#backOff(unavailable('The broker that leads the partition did not answer.', cause))
  }

  /** Takes the news that nothing can be sent now. */
  unreachable(problem: Problem): void {
    this.#backOff(problem)
  }

  #backOff(problem: Problem): void {
    this.#lastProblem = problem
    const delay = Math.min(MAX_BACKOFF_MS, MIN_BACKOFF_MS * 2 ** this.#failures++)
    this.notBefore = performance.now() + delay * (0.5 + Math.random() / 2)
  }

  #written(batch: Batch, { baseOffset, logAppendTime }: ProduceResult): void {
    const base = baseOffset < 0n ? undefined : Number(baseOffset)
    batch.records.forEach((pending, i) => {
      settle(pending, {
        outcome: 'written',
        partition: this.partition,
        // Past 2^53 a number would be rounded; the record is written, only its address can't be told.
        offset: base === undefined || !Number.isSafeInteger(base + i) ? null : base + i,
        timestamp: logAppendTime >= 0n ? Number(logAppendTime) : pending.record.timestamp,
      })
    })
    this.#sequence = (this.#sequence + batch.records.length) % 0x8000_0000
    this.#close(batch)
    this.#recovered()
  }

  /**
   * The broker doesn't know this producer's last sequence number any more, or knows another. What no try can have
   * appended goes out again under a new producer id; the rest is in doubt.
   */
  #renew(batch: Batch, code: number): After {
    this.#retire()
    if (batch.maybeAppended) this.#fail(batch, outcomeUnknown(kafkaErrorName(code)))
    else this.#giveBack(batch)
    this.#backOff(notWritten(code))
    return 'nothing'
  }

  #split(batch: Batch, code: number): After {
    const single = batch.records.length === 1
    if (!single) {
      this.#byteLimit = Math.max(1, Math.floor(batch.bytes.length / 2))
      this.#byteLimitUntil = performance.now() + BYTE_LIMIT_AGE_MS
    }
    return this.#refuseSome(batch, single ? [0] : [], code)
  }

  /** Only the guilty records are refused, where the broker names them; else halves are tried until one is alone. */
  #refuse(batch: Batch, result: ProduceResult): After {
    const { errorCode, recordErrors } = result
    const all = batch.records.map((_, i) => i)
    const authorization = problemIs(errorCode, 'kafka_authorization')
    if (authorization || batch.records.length === 1) return this.#refuseSome(batch, all, errorCode)
    if (recordErrors.length > 0) return this.#refuseSome(batch, recordErrors, errorCode)
    return this.#split(batch, errorCode)
  }

  /** Refuses some records of a batch that the broker did not append, and puts the others back in front. */
  #refuseSome(batch: Batch, guilty: readonly number[], code: number): After {
    if (batch.maybeAppended) {
      // An earlier try may have been appended under other limits: nothing can be proved of this one.
      this.#retire()
      this.#fail(batch, outcomeUnknown(kafkaErrorName(code)))
      return 'nothing'
    }
    const refused = new Set(guilty)
    const problem = notWritten(code)
    this.#giveBack(batch, (_, i) => {
      if (!refused.has(i)) return true
      settle(batch.records[i]!, { outcome: 'not_written', problem })
      return false
    })
    this.#recovered()
    return 'nothing'
  }

  /** Puts a batch's records back in front, in order. Its sequence numbers were not used. */
  #giveBack(batch: Batch, keep: (record: PendingRecord, i: number) => boolean = () => true): void {
    this.#close(batch)
    this.#pending = [...batch.records.filter(keep), ...this.#pending.slice(this.#head)]
    this.#head = 0
  }

  /** Ends a batch whose every record has the same problem. */
  #fail(batch: Batch, problem: Problem): void {
    const outcome = problem.options.outcome ?? 'not_written'
    for (const pending of batch.records) settle(pending, { outcome, problem })
    this.#close(batch)
  }

  #close(batch: Batch): void {
    batch.settled = true
    if (this.#batch === batch) this.#batch = undefined
  }

  #retire(): void {
    this.#spent = this.#identity ?? this.#spent
    this.#identity = undefined
  }

  #recovered(): void {
    this.#failures = 0
    this.#lastProblem = undefined
    this.notBefore = 0
  }

  /** Gives every record past its deadline an outcome. `now` by performance.now(). */
  expire(now: number): void {
    const expired = (pending: PendingRecord) => now >= pending.deadline
    const batch = this.#batch
    if (batch?.records.some(expired)) {
      if (batch.inFlight || batch.maybeAppended) {
        const problem = outcomeUnknown(this.#lastProblem?.cause)
        for (const pending of batch.records)
          if (expired(pending)) settle(pending, { outcome: 'unknown', problem })
        if (batch.records.every((pending) => pending.settled)) {
          // The broker may append it yet: the partition goes on under an id that it cannot collide with.
          this.#retire()
          this.#close(batch)
        }
      } else this.#giveBack(batch)
    }
    for (let i = this.#head; i < this.#pending.length; i++) {
      if (!expired(this.#pending[i]!)) continue
      const waiting = this.#pending.slice(this.#head)
      const problem = this.#lastProblem ?? unavailable('Kafka did not take the record in time.')
      for (const pending of waiting)
        if (expired(pending)) settle(pending, { outcome: 'not_written', problem })
      this.#pending = waiting.filter((pending) => !pending.settled)
      this.#head = 0
      break
    }
  }

  /** Gives everything an outcome at once: the topic is gone, or the gateway stops. */
  abandon(problem: Problem): void {
    const batch = this.#batch
    if (batch !== undefined) {
      const inDoubt = batch.inFlight || batch.maybeAppended
      if (inDoubt) this.#retire()
      this.#fail(batch, inDoubt ? outcomeUnknown(problem.code) : problem)
    }
    for (const pending of this.#pending.slice(this.#head))
      settle(pending, { outcome: 'not_written', problem })
    this.#pending = []
    this.#head = 0
  }
}

function settle(pending: PendingRecord, result: RecordResult): void {
  if (pending.settled) return
  pending.settled = true
  pending.request.settle(pending.index, result)
}

function problemIs(code: number, name: Problem['code']): boolean {
  return notWritten(code).code === name
}
