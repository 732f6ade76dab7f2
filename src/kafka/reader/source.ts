import type { FetchedRecord } from '../../records/fetched-record.ts'
import type { FetchedPartition, Isolation } from '../wire/fetch.ts'
import { readRecordBatches } from '../wire/record-batch-reader.ts'

/** Bytes that compressed batches may unfold into in one answer. The rest is fetched again when its turn comes. */
const MAX_UNFOLDED_BYTES = 8_388_608
const EMPTY = Buffer.alloc(0)

/** One partition of a read: where it is, and what was fetched of it and not taken yet. */
export interface Source {
  readonly partition: number
  /** Where the next fetch goes on. */
  position: number
  /** The high watermark or last stable offset; Infinity until the first fetch. */
  end: number
  /** Fetched, by offset; those from `next` on are not taken yet. */
  records: readonly FetchedRecord[]
  next: number
  /** Bytes of memory the records keep alive. */
  memory: number
}

export function newSource([partition, position]: readonly [number, number]): Source {
  return { partition, position, end: Infinity, records: [], next: 0, memory: 0 }
}

/** Nothing of it waits to be taken, and there is more. */
export function isDry(source: Source): boolean {
  return source.next === source.records.length && source.position < source.end
}

/** The offset of the next record to be taken. */
export function offsetOf(source: Source): number {
  return source.records[source.next]?.offset ?? source.position
}

/** Takes in a partition's part of an answer. Gives back what is wrong with the bytes after its records, where something is. */
export function fill(
  source: Source,
  fetched: FetchedPartition,
  isolation: Isolation,
  maxRecords: number,
): string | undefined {
  const { records, nextOffset, memory, fault } = readRecordBatches(fetched.records ?? EMPTY, {
    from: source.position,
    aborted: fetched.abortedTransactions,
    maxRecords,
    maxMemory: MAX_UNFOLDED_BYTES,
  })
  source.end = isolation === 'read_committed' ? fetched.lastStableOffset : fetched.highWatermark
  source.position = nextOffset
  source.records = records
  source.next = 0
  source.memory = memory
  return fault
}
