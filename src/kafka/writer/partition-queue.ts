import { Problem } from '../../problems/problem.ts'
import type { ProduceResult } from '../wire/produce.ts'
import type { Codec } from '../wire/compress.ts'
import { encodeRecordBatch } from '../wire/record-batch-writer.ts'
import { kafkaErrorName, NotSent, problemFromKafka } from '../errors.ts'
import type { KafkaMeter } from '../meter.ts'
import { backoffMs } from './backoff.ts'
import type { ProducerIdentity } from './producer-ids.ts'
import { type Batch, type PendingRecord, RecordList, settle } from './record-list.ts'
import type { WriteRequest } from './write-request.ts'
import { mayHaveAppended, notWritten, outcomeUnknown, unavailable, verdictOf } from './verdict.ts'

/** What the writer must do after an answer, besides sending what waits. */
export type After = 'nothing' | 'refresh'

/** Kafka's brokers take 1,048,588 bytes a batch by default (max.message.bytes); a larger record travels alone. */
const MAX_BATCH_BYTES = 1_000_000
const BATCH_OVERHEAD = 61
/** How long a topic's smaller limit, once met, is kept to, ms. */
const BYTE_LIMIT_AGE_MS = 60_000
const MAX_BACKOFF_MS = 500
/** A queue with work that has not moved for this long is stuck, ms: other partitions take what they can. */
const STUCK_MS = 100
/** One that failed and has no work left is tried again after this, ms. */
const PROBE_MS = 1_000

export interface QueueOptions {
  readonly codec?: Codec
  /** Of a new producer id here; brokers take any. */
  readonly firstSequence?: number
  /** Counts what the batches hold. */
  readonly meter?: Pick<KafkaMeter, 'batchRecords' | 'batchBytes'>
}

/**
 * The write side of one partition: records that wait, and the one batch on its way.
 *
 * One batch is in flight at a time. While it is, the next fills: batches grow by themselves as the load does, no timer
 * is needed, and no failure can leave a gap in the sequence numbers behind it. It does no I/O of its own.
 */
export class PartitionQueue {
  readonly topic: string
  readonly partition: number
  readonly #codec: Codec
  readonly #firstSequence: number
  readonly #meter: QueueOptions['meter']
  readonly #waiting = new RecordList()
  #batch: Batch | undefined
  #identity: ProducerIdentity | undefined
  /** The producer id that must not be used here again: its next sequence number is in doubt. */
  #spent: ProducerIdentity | undefined
  #sequence = 0
  #byteLimit = MAX_BATCH_BYTES
  #byteLimitUntil = 0
  #formed = 0
  #failures = 0
  #lastProblem: Problem | undefined
  /** When it last had nothing to do or got something done, by performance.now(). */
  #movedAt = 0
  /** Not to be sent before this, by performance.now(). */
  notBefore = 0

  constructor(
    topic: string,
    partition: number,
    { codec = 'none', firstSequence = 0, meter }: QueueOptions = {},
  ) {
    this.topic = topic
    this.partition = partition
    this.#codec = codec
    this.#firstSequence = firstSequence
    this.#meter = meter
  }

  get hasWork(): boolean {
    return this.#batch !== undefined || this.#waiting.length > 0
  }

  get inFlight(): boolean {
    return this.#batch?.inFlight ?? false
  }

  /** Some batch may be in the log or not, and which is not known yet. */
  get inDoubt(): boolean {
    return this.#batch !== undefined && (this.#batch.inFlight || this.#batch.maybeAppended)
  }

  /** How many tries in a row have failed. */
  get failures(): number {
    return this.#failures
  }

  /** How many batches have been made. */
  get formed(): number {
    return this.#formed
  }

  get waitingBytes(): number {
    return this.#waiting.bytes
  }

  /** True while it fails or nothing moves: records that may go elsewhere should. */
  isStuck(now: number): boolean {
    if (this.#failures > 0) return this.hasWork || now < this.notBefore + PROBE_MS
    return this.hasWork && now - this.#movedAt > STUCK_MS
  }

  push(record: PendingRecord, now: number): void {
    if (!this.hasWork) this.#movedAt = now
    this.#waiting.push(record)
  }

  /** Whether the next batch can be sent while this is the producer id to be had. */
  accepts(identity: ProducerIdentity | undefined): boolean {
    if (this.#batch !== undefined || this.#identity !== undefined) return true
    return identity !== undefined && identity !== this.#spent
  }

  /**
   * The batch to send now: the one to be sent again, else a new one of what waits, with the next sequence numbers.
   * Call only where there is work, nothing is in flight and `accepts` said yes.
   */
  take(identity: ProducerIdentity | undefined): Batch {
    if (this.#batch === undefined) {
      if (this.#identity === undefined) {
        this.#identity = identity!
        this.#sequence = this.#firstSequence
      }
      this.#batch = this.#form(this.#identity)
    }
    this.#batch.inFlight = true
    return this.#batch
  }

  #form(identity: ProducerIdentity): Batch {
    const limit = performance.now() < this.#byteLimitUntil ? this.#byteLimit : MAX_BATCH_BYTES
    const records = this.#waiting.take(limit - BATCH_OVERHEAD)
    const bytes = encodeRecordBatch(
      records.map((r) => r.record),
      { ...identity, baseSequence: this.#sequence },
      this.#codec,
    )
    this.#formed++
    this.#meter?.batchRecords.observe(records.length)
    this.#meter?.batchBytes.observe(bytes.length)
    return { records, bytes, inFlight: false, maybeAppended: false, settled: false }
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
      case 'duplicate':
        // Of a batch never sent before it can't be true: its numbers are another's, and it was not appended.
        if (batch.maybeAppended) this.#written(batch, result)
        else this.#renew(batch, code)
        return 'nothing'
      case 'retry':
        batch.maybeAppended ||= mayHaveAppended(code)
        this.#backOff(notWritten(code))
        return 'refresh'
      case 'renew':
        this.#renew(batch, code)
        return 'nothing'
      case 'split':
        this.#split(batch, code)
        return 'nothing'
      case 'refuse':
        this.#refuse(batch, result)
        return 'nothing'
    }
  }

  /** Takes the news that no answer will come: where the bytes went out, the broker may have appended them. */
  unanswered(batch: Batch, cause: unknown): void {
    batch.inFlight = false
    if (batch.settled) return
    if (cause instanceof NotSent) {
      return this.#backOff(new Problem(problemFromKafka(cause).code, { outcome: 'not_written', cause }))
    }
    batch.maybeAppended = true
    this.#backOff(unavailable('The broker that leads the partition did not answer.', cause))
  }

  /** Takes the news that nothing can be sent now. */
  unreachable(problem: Problem): void {
    this.#backOff(problem)
  }

  #backOff(problem: Problem): void {
    this.#lastProblem = problem
    this.notBefore = performance.now() + backoffMs(this.#failures++, MAX_BACKOFF_MS)
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
    this.#moved()
  }

  /**
   * The broker doesn't know this producer's last sequence number any more, or knows another. What no try can have
   * appended goes out again under a new producer id; the rest is in doubt.
   */
  #renew(batch: Batch, code: number): void {
    this.#retire()
    if (batch.maybeAppended) this.#fail(batch, outcomeUnknown(kafkaErrorName(code)))
    else this.#giveBack(batch)
    this.#backOff(notWritten(code))
  }

  #split(batch: Batch, code: number): void {
    const single = batch.records.length === 1
    if (!single) {
      this.#byteLimit = Math.max(1, Math.floor(batch.bytes.length / 2))
      this.#byteLimitUntil = performance.now() + BYTE_LIMIT_AGE_MS
    }
    this.#refuseSome(batch, single ? [0] : [], code)
  }

  /** Only the guilty records are refused, where the broker names them; else halves are tried until one is alone. */
  #refuse(batch: Batch, { errorCode, recordErrors }: ProduceResult): void {
    const all = batch.records.map((_, i) => i)
    const authorization = notWritten(errorCode).code === 'kafka_authorization'
    if (authorization || batch.records.length === 1) this.#refuseSome(batch, all, errorCode)
    else if (recordErrors.length > 0) this.#refuseSome(batch, recordErrors, errorCode)
    else this.#split(batch, errorCode)
  }

  /** Refuses some records of a batch that the broker did not append, and puts the others back in front. */
  #refuseSome(batch: Batch, guilty: readonly number[], code: number): void {
    if (batch.maybeAppended) {
      // An earlier try may have been appended under other limits: nothing can be proved of this one.
      this.#retire()
      this.#fail(batch, outcomeUnknown(kafkaErrorName(code)))
      return
    }
    const problem = notWritten(code)
    for (const i of guilty) settle(batch.records[i]!, { outcome: 'not_written', problem })
    this.#giveBack(batch)
    this.#moved()
  }

  /** Puts a batch's records that have no outcome yet back in front, in order. Its sequence numbers were not used. */
  #giveBack(batch: Batch): void {
    this.#close(batch)
    this.#waiting.putBack(batch.records.filter((pending) => !pending.settled))
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

  #moved(): void {
    this.#movedAt = performance.now()
    this.#failures = 0
    this.#lastProblem = undefined
    this.notBefore = 0
  }

  /** Gives every record past its deadline an outcome. `now` by performance.now(). */
  expire(now: number): void {
    const batch = this.#batch
    if (batch?.records.some((pending) => now >= pending.deadline)) {
      if (this.inDoubt) this.#expireInDoubt(batch, now)
      else this.#giveBack(batch)
    }
    const expired = this.#waiting.takeExpired(now)
    if (expired.length === 0) return
    const problem = this.#lastProblem ?? unavailable('Kafka did not take the record in time.')
    for (const pending of expired) settle(pending, { outcome: 'not_written', problem })
  }

  #expireInDoubt(batch: Batch, now: number): void {
    const problem = outcomeUnknown(this.#lastProblem?.cause)
    for (const pending of batch.records) {
      if (now >= pending.deadline) settle(pending, { outcome: 'unknown', problem })
    }
    if (!batch.records.every((pending) => pending.settled)) return
    // The broker may append it yet: the partition goes on under an id that it cannot collide with.
    this.#retire()
    this.#close(batch)
  }

  /** Gives up the records of a request that have not been sent. */
  cancel(request: WriteRequest): void {
    const problem = new Problem('bad_request', { detail: 'The client went away.', outcome: 'not_written' })
    for (const pending of this.#waiting.takeOf(request)) settle(pending, { outcome: 'not_written', problem })
  }

  /** Gives everything an outcome at once: the topic is gone, or the gateway stops. */
  abandon(problem: Problem): void {
    const batch = this.#batch
    if (batch !== undefined) {
      const { inDoubt } = this
      if (inDoubt) this.#retire()
      this.#fail(batch, inDoubt ? outcomeUnknown(problem.code) : problem)
    }
    for (const pending of this.#waiting.takeAll()) settle(pending, { outcome: 'not_written', problem })
  }
}
