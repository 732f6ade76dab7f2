import { Problem } from '../../problems/problem.ts'
import { KafkaCode, kafkaErrorName } from '../errors.ts'
import type { ProduceResult } from '../wire/produce.ts'
import type { Codec } from '../wire/compress.ts'
import { encodeRecordBatch, recordSizeBound } from '../wire/record-batch-writer.ts'
import type { ProducerIdentity } from '../writer/producer-ids.ts'
import { notWritten, unavailable, verdictOf } from '../writer/verdict.ts'
import type { PartitionRecords } from './placement.ts'
import type { WrittenRecord } from './types.ts'

/** Kafka's brokers take 1,048,588 bytes a batch by default (max.message.bytes); a larger record travels alone. */
const MAX_BATCH_BYTES = 1_000_000
const BATCH_OVERHEAD = 61
const MAX_REPORTED = 20

/** Errors after which the transaction can only be aborted. */
const lost = new Set<number>([
  KafkaCode.INVALID_TXN_STATE,
  KafkaCode.INVALID_PRODUCER_ID_MAPPING,
  KafkaCode.TRANSACTION_ABORTABLE,
])

/** The records of a transaction on their way to one partition: batch by batch, since a request carries one of each. */
export class PartitionWrite {
  readonly topic: string
  readonly partition: number
  readonly #of: PartitionRecords
  readonly #identity: ProducerIdentity
  readonly #codec: Codec
  readonly #settled: (index: number, record: WrittenRecord) => void
  /** How many records have been written; the next one's sequence number, too. */
  #written = 0
  #batch: { readonly bytes: Buffer; readonly count: number } | undefined
  #byteLimit = MAX_BATCH_BYTES
  /** Why the last try failed. */
  #problem: Problem | undefined

  constructor(
    of: PartitionRecords,
    identity: ProducerIdentity,
    codec: Codec,
    settled: (index: number, record: WrittenRecord) => void,
  ) {
    this.topic = of.topic
    this.partition = of.partition
    this.#of = of
    this.#identity = identity
    this.#codec = codec
    this.#settled = settled
  }

  get done(): boolean {
    return this.#written === this.#of.records.length
  }

  get problem(): Problem | undefined {
    return this.#problem
  }

  /** The batch to send now: the same bytes until it has been written. */
  get batch(): Buffer {
    this.#batch ??= this.#form()
    return this.#batch.bytes
  }

  #form(): { bytes: Buffer; count: number } {
    const { records } = this.#of
    const start = this.#written
    let bytes = BATCH_OVERHEAD
    let end = start
    for (; end < records.length; end++) {
      bytes += recordSizeBound(records[end]!)
      if (end > start && bytes > this.#byteLimit) break
    }
    const identity = { ...this.#identity, baseSequence: start, transactional: true }
    return { bytes: encodeRecordBatch(records.slice(start, end), identity, this.#codec), count: end - start }
  }

  /**
   * Takes the broker's answer to the batch.
   * @throws Problem where the records, and so the transaction, can't be written
   */
  answer(result: ProduceResult): void {
    const { errorCode } = result
    if (lost.has(errorCode)) throw this.#abortedByKafka(errorCode)
    switch (verdictOf(errorCode)) {
      case 'written':
      case 'duplicate':
        return this.#advance(result)
      case 'retry':
        this.#problem = notWritten(errorCode)
        return
      case 'renew':
        throw this.#abortedByKafka(errorCode)
      case 'split':
        return this.#split(errorCode)
      case 'refuse':
        throw this.#refused(errorCode, result.recordErrors)
    }
  }

  /** Takes the news that no answer will come: the same bytes go out again, and the broker knows them again. */
  unanswered(cause: unknown): void {
    this.#problem = unavailable('The broker that leads a partition did not answer.', cause)
  }

  #advance({ errorCode, baseOffset, logAppendTime }: ProduceResult): void {
    const { count } = this.#batch!
    const base = errorCode === KafkaCode.NONE && baseOffset >= 0n ? Number(baseOffset) : undefined
    for (let i = 0; i < count; i++) {
      const at = this.#written + i
      this.#settled(this.#of.indexes[at]!, {
        topic: this.topic,
        partition: this.partition,
        offset: base === undefined || !Number.isSafeInteger(base + i) ? null : base + i,
        timestamp: logAppendTime >= 0n ? Number(logAppendTime) : this.#of.records[at]!.timestamp,
      })
    }
    this.#written += count
    this.#batch = undefined
    this.#problem = undefined
  }

  #split(code: number): void {
    const { bytes, count } = this.#batch!
    if (count === 1) throw this.#refused(code, [0])
    this.#byteLimit = Math.max(1, Math.floor(bytes.length / 2))
    this.#batch = undefined
  }

  #abortedByKafka(code: number): Problem {
    return new Problem('kafka_unavailable', {
      detail: 'Kafka aborted the transaction.',
      cause: kafkaErrorName(code),
    })
  }

  /** Names the guilty records, or all of the batch where the broker doesn't say. */
  #refused(code: number, guilty: readonly number[]): Problem {
    const problem = notWritten(code)
    const all = guilty.length > 0 ? guilty : Array.from({ length: this.#batch!.count }, (_, i) => i)
    const errors = all.slice(0, MAX_REPORTED).map((i) => ({
      pointer: `/records/${this.#of.indexes[this.#written + i]!}`,
      reason: problem.row.title,
    }))
    return new Problem(problem.code, { ...problem.options, errors })
  }
}
