import type { FetchedRecord } from '../../fetched-record.ts'

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

/**
 * Hands over what waits in the sources, the earliest record first and of two of one time that of the lower partition;
 * within a partition always by offset. Stops where a source runs dry, whose next record might be the earliest; and
 * where `take` answers false: that record has not been taken.
 */
export function mergeByTime(
  sources: Iterable<Source>,
  take: (partition: number, record: FetchedRecord) => boolean,
): void {
  const waiting = [...sources]
    .filter((s) => s.next < s.records.length)
    .sort((a, b) => a.partition - b.partition)
  for (;;) {
    let earliest: Source | undefined
    for (const source of waiting) {
      const record = source.records[source.next]
      if (record === undefined) continue
      if (earliest === undefined || record.timestamp < earliest.records[earliest.next]!.timestamp)
        earliest = source
    }
    if (earliest === undefined || !take(earliest.partition, earliest.records[earliest.next]!)) return
    earliest.next++
    if (isDry(earliest)) return
  }
}
