import { someHeader, type FetchedRecord } from '../records/fetched-record.ts'
import type { OutgoingRecord, RecordHeader } from '../records/record.ts'

/** W3C Trace Context, as a record header: lower case, as Kafka's clients have it. */
export const TRACEPARENT = 'traceparent'
export const TRACESTATE = 'tracestate'

const name = Buffer.from(TRACEPARENT)

/** Whether a record that is to be written brings a context of its own. */
export function hasTraceparent({ headers }: OutgoingRecord): boolean {
  return headers.some((header) => isTraceparent(header))
}

function isTraceparent({ name: given }: RecordHeader): boolean {
  return given.length === name.length && given.toString('latin1').toLowerCase() === TRACEPARENT
}

/** The text of a record's `traceparent`, undefined where it has none. */
export function traceparentOf(record: FetchedRecord): string | undefined {
  if (record.headerCount === 0) return undefined
  const { bytes } = record
  let found: string | undefined
  someHeader(record, (nameStart, nameEnd, valueStart, valueEnd) => {
    if (nameEnd - nameStart !== name.length || valueStart < 0) return false
    if (bytes.compare(name, 0, name.length, nameStart, nameEnd) !== 0) return false
    found = bytes.toString('latin1', valueStart, valueEnd)
    return true
  })
  return found
}
