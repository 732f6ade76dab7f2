import type { FetchedPartition } from '../wire/fetch.ts'
import { readRecordBatches } from '../wire/record-batch-reader.ts'
import type { AssignedPartition } from './assigned-partition.ts'
import type { ReaderEvent } from './events.ts'
import type { FetchBounds } from './fetch-loop.ts'

/**
 * The rest of a fetch answer is dropped, and fetched again, once its compressed batches unfold to so many times maxBytes:
 * a thousandfold is possible.
 */
const MAX_UNFOLDING = 8
const EMPTY = Buffer.alloc(0)

export interface DecodedAnswer {
  readonly event?: ReaderEvent
  readonly moved: boolean
  /** What is wrong with the bytes at the new position. */
  readonly fault?: string | undefined
}

/** Takes a partition's part of an answer apart, and moves the partition's position past what it held. */
export function decodeAnswer(
  partition: AssignedPartition,
  fetched: FetchedPartition,
  { isolation, maxBytes }: FetchBounds,
): DecodedAnswer {
  const { records, nextOffset, memory, fault } = readRecordBatches(fetched.records ?? EMPTY, {
    from: partition.position,
    aborted: fetched.abortedTransactions,
    maxMemory: maxBytes * MAX_UNFOLDING,
  })
  const end = isolation === 'read_committed' ? fetched.lastStableOffset : fetched.highWatermark
  const moved = nextOffset > partition.position
  const isFirstTimeAtEnd = nextOffset >= end && !partition.toldEnd
  partition.position = nextOffset
  partition.toldEnd ||= isFirstTimeAtEnd
  const at = { topic: partition.topic, partition: partition.partition, nextOffset, end }
  if (records.length > 0) {
    const bytes = Math.max(memory, fetched.records?.length ?? 0)
    return { event: { kind: 'records', ...at, records, bytes }, moved, fault }
  }
  if (moved || isFirstTimeAtEnd) return { event: { kind: 'progress', ...at }, moved, fault }
  return { moved, fault }
}
