import type { FetchedRecord } from '../../records/fetched-record.ts'
import { isDry, type Source } from './source.ts'

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
