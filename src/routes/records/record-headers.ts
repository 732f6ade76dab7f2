import { type FetchedRecord, keyOf, readHeaders } from '../../records/fetched-record.ts'

/** Text that means the same in every HTTP implementation: printable ASCII, no space at its ends. */
const safeValue = /^(?:[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)?$/
const token = /^[\w!#$%&'*+.^`|~-]+$/
/** Bytes of all of them: many clients take no more than 8 KiB of headers, with those of a proxy among them. */
const MAX_BYTES = 4_096

/**
 * What a record is beside its value, as HTTP headers: `Kafka-Key`, `Kafka-Header-NAME` for each record header, and its
 * place and time. A key or header that isn't plain text, and those past 4 KiB, are left out: the JSON form has them.
 */
export function recordHeaders(record: FetchedRecord): Record<string, string | string[]> {
  const { bytes, offset, timestamp, timestampType } = record
  const headers: Record<string, string | string[]> = {
    'kafka-offset': String(offset),
    'kafka-timestamp': String(timestamp),
    'kafka-timestamp-type': timestampType,
  }
  let room = MAX_BYTES
  const add = (name: string, value: string) => {
    room -= name.length + value.length
    if (room < 0 || !token.test(name) || !safeValue.test(value)) return
    const given = headers[name]
    headers[name] = given === undefined ? value : [given, value].flat()
  }
  const key = keyOf(record)
  if (key !== null && key.length <= room) add('kafka-key', key.toString('latin1'))
  for (const { nameStart, nameEnd, valueStart, valueEnd } of readHeaders(record)) {
    if (valueStart < 0 || valueEnd - nameStart > room) continue
    const name = bytes.toString('latin1', nameStart, nameEnd).toLowerCase()
    add(`kafka-header-${name}`, bytes.toString('latin1', valueStart, valueEnd))
  }
  return headers
}
