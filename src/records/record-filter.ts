import { type FetchedRecord, someHeader } from './fetched-record.ts'

/** Most headers that a record is asked to have: each is looked for in every record. */
export const MAX_FILTER_HEADERS = 20

/** Whether a record is wanted. */
export type RecordFilter = (record: FetchedRecord) => boolean

/** A header that a record must have. */
export interface HeaderMatch {
  readonly name: string
  readonly value: string
}

/**
 * The filter for records whose key is exactly this text and which have every one of these headers, in UTF-8; undefined
 * where that is all of them. Bytes are compared, nothing of a record is decoded.
 */
export function recordFilter(
  key: string | undefined,
  headers: readonly HeaderMatch[],
): RecordFilter | undefined {
  const wantedKey = key === undefined ? undefined : Buffer.from(key)
  const wantedHeaders = headers.map(({ name, value }) => [Buffer.from(name), Buffer.from(value)] as const)
  if (wantedKey === undefined && wantedHeaders.length === 0) return undefined
  return (record) =>
    (wantedKey === undefined || isAt(record.bytes, record.keyStart, record.keyEnd, wantedKey)) &&
    wantedHeaders.every(([name, value]) => hasHeader(record, name, value))
}

/** Reads `NAME:VALUE`, of which the name has no colon; undefined where it is not that. */
export function parseHeaderMatch(text: string): HeaderMatch | undefined {
  const colon = text.indexOf(':')
  return colon < 1 ? undefined : { name: text.slice(0, colon), value: text.slice(colon + 1) }
}

function hasHeader(record: FetchedRecord, name: Buffer, value: Buffer): boolean {
  const { bytes } = record
  return someHeader(
    record,
    (nameStart, nameEnd, valueStart, valueEnd) =>
      isAt(bytes, nameStart, nameEnd, name) && isAt(bytes, valueStart, valueEnd, value),
  )
}

/** Whether the bytes from `start`, -1 for none, to `end` are these. */
function isAt(bytes: Buffer, start: number, end: number, wanted: Buffer): boolean {
  return (
    start >= 0 && end - start === wanted.length && bytes.compare(wanted, 0, wanted.length, start, end) === 0
  )
}
