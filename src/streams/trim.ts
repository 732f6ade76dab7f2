import type { RecordFilter } from '../records/record-filter.ts'
import type { ProgressEvent, RecordsEvent } from './events.ts'

/**
 * What of an event is to be told: the records before `end`, of these those that the filter lets pass, and of these at most
 * `limit`. What was left out moves the position all the same. The event itself is not changed: others may have it too.
 */
export function trimmed(
  event: RecordsEvent | ProgressEvent,
  end: number,
  filter: RecordFilter | undefined,
  limit: number,
): RecordsEvent | ProgressEvent {
  let nextOffset = Math.min(event.nextOffset, end)
  if (event.kind === 'progress') return nextOffset === event.nextOffset ? event : { ...event, nextOffset }
  let { records } = event
  if (nextOffset < event.nextOffset) records = records.filter(({ offset }) => offset < end)
  if (filter !== undefined) records = records.filter(filter)
  if (records.length > limit) {
    records = records.slice(0, limit)
    nextOffset = records.at(-1)!.offset + 1
  }
  const { topic, partition } = event
  if (records.length === 0) return { kind: 'progress', topic, partition, nextOffset, end: event.end }
  return records === event.records ? event : { ...event, records, nextOffset }
}
