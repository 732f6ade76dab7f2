import { Reader, readRecordsBatch } from '@platformatic/kafka'
import { KafkaCode } from '../../src/kafka/errors.ts'
import type { ProduceResult } from '../../src/kafka/wire/produce.ts'

interface KnownBatch {
  readonly first: number
  readonly last: number
  readonly baseOffset: number
}

const after = (sequence: number, records: number) => (sequence + records) % 2 ** 31

/** What a broker keeps of one partition, and how it takes batches (KIP-98, `ProducerStateManager`, `UnifiedLog.append`). */
export class PartitionLog {
  /** The values in the log, by offset. */
  readonly values: string[] = []
  /** Records past this number in one batch are too many for the topic, as bytes would be. */
  maxRecords = Infinity
  /** Values that the topic refuses. */
  readonly forbidden = new Set<string>()
  readonly #producers = new Map<string, KnownBatch[]>()

  /** Takes a batch as a leader does and answers it. */
  append(bytes: Buffer): ProduceResult {
    const batch = readRecordsBatch(Reader.from(bytes))
    const values = batch.records.map(({ value }) => String(value))
    if (values.length > this.maxRecords) return failed(KafkaCode.MESSAGE_TOO_LARGE)
    const guilty = values.flatMap((value, i) => (this.forbidden.has(value) ? [i] : []))
    if (guilty.length > 0) return failed(KafkaCode.INVALID_RECORD, guilty)
    const producer = `${batch.producerId}:${batch.producerEpoch}`
    const known = this.#producers.get(producer)
    const first = batch.firstSequence
    const last = after(first, values.length - 1)
    const duplicate = known?.find((b) => b.first === first && b.last === last)
    if (duplicate !== undefined) return taken(duplicate.baseOffset)
    if (known !== undefined && first !== after(known.at(-1)!.last, 1)) {
      return failed(KafkaCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
    }
    const baseOffset = this.values.length
    this.values.push(...values)
    this.#producers.set(producer, [...(known ?? []), { first, last, baseOffset }].slice(-5))
    return taken(baseOffset)
  }

  /** Forgets every producer, as when they have been idle for long. */
  forget(): void {
    this.#producers.clear()
  }
}

function taken(baseOffset: number): ProduceResult {
  return { ...failed(KafkaCode.NONE), baseOffset: BigInt(baseOffset) }
}

export function failed(errorCode: number, recordErrors: readonly number[] = []): ProduceResult {
  return { partition: 0, errorCode, baseOffset: -1n, logAppendTime: -1n, recordErrors }
}
