import type { FetchedRecord } from '../fetched-record.ts'
import type { ByteWriter } from './byte-writer.ts'
import { scanJson, skipSpace } from './json-scan.ts'
import { isText, writeBase64, writeJsonString } from './json-string.ts'
import { writeHeaders } from './render-headers.ts'

/**
 * How keys and values are shown.
 *
 * | format   | shown as                                                                        | else |
 * |----------|---------------------------------------------------------------------------------|------|
 * | `auto`   | JSON objects and arrays as they are, byte for byte; other UTF-8 as a JSON string | base64 |
 * | `json`   | any JSON text as it is, but `null`, which would look like a tombstone; keys as in `auto` | base64 |
 * | `text`   | UTF-8 as a JSON string                                                           | base64 |
 * | `base64` | base64                                                                           |      |
 *
 * Base64 is marked by keyEncoding or valueEncoding "base64". A null key or value is null, an empty one "".
 */
export type RecordFormat = 'auto' | 'json' | 'text' | 'base64'

const OPEN_BRACKET = 0x5b
const OPEN_BRACE = 0x7b
const LOWER_N = 0x6e

const timestampMember = Buffer.from(',"timestamp":')
const createTime = Buffer.from(',"timestampType":"CreateTime","key":')
const logAppendTime = Buffer.from(',"timestampType":"LogAppendTime","key":')
const keyEncoding = Buffer.from(',"keyEncoding":"base64"')
const valueMember = Buffer.from(',"value":')
const valueEncoding = Buffer.from(',"valueEncoding":"base64"')
const noHeaders = Buffer.from(',"headers":{}}')
const headersMember = Buffer.from(',"headers":')
const nullText = Buffer.from('null')

/** The start of every record of a partition, to be made once for many: up to the offset's digits. */
export function recordPrefix(topic: string, partition: number): Buffer {
  return Buffer.from(`{"topic":${JSON.stringify(topic)},"partition":${partition},"offset":`)
}

/** Writes a record as its JSON object. Every record has one: bytes that don't fit the format become base64. */
export function renderRecord(
  out: ByteWriter,
  prefix: Buffer,
  record: FetchedRecord,
  format: RecordFormat,
): void {
  const { bytes, keyStart, keyEnd, valueStart, valueEnd } = record
  out.copy(prefix)
  out.integer(record.offset)
  out.copy(timestampMember)
  out.integer(record.timestamp)
  out.copy(record.timestampType === 'CreateTime' ? createTime : logAppendTime)
  if (keyStart < 0) out.copy(nullText)
  else if (writeField(out, bytes, keyStart, keyEnd, format === 'json' ? 'auto' : format))
    out.copy(keyEncoding)
  out.copy(valueMember)
  if (valueStart < 0) out.copy(nullText)
  else if (writeField(out, bytes, valueStart, valueEnd, format)) out.copy(valueEncoding)
  if (record.headerCount === 0) {
    out.copy(noHeaders)
    return
  }
  out.copy(headersMember)
  writeHeaders(out, record)
  out.byte(0x7d)
}

/** Writes a key or a value; answers whether as base64. */
function writeField(
  out: ByteWriter,
  bytes: Buffer,
  start: number,
  end: number,
  format: RecordFormat,
): boolean {
  if (format === 'auto') {
    if (isJson(bytes, start, end, true)) out.copy(bytes, start, end)
    else if (!writeJsonString(out, bytes, start, end)) return writeAsBase64(out, bytes, start, end)
    return false
  }
  if (format === 'json') {
    if (!isJson(bytes, start, end, false)) return writeAsBase64(out, bytes, start, end)
    out.copy(bytes, start, end)
    return false
  }
  if (format === 'text' && writeJsonString(out, bytes, start, end)) return false
  return writeAsBase64(out, bytes, start, end)
}

function writeAsBase64(out: ByteWriter, bytes: Buffer, start: number, end: number): true {
  writeBase64(out, bytes, start, end)
  return true
}

/** Whether the bytes are one JSON text, with what spaces it has about it. */
function isJson(bytes: Buffer, start: number, end: number, onlyContainers: boolean): boolean {
  const first = skipSpace(bytes, start, end)
  if (first === end) return false
  const byte = bytes[first]
  if (onlyContainers ? byte !== OPEN_BRACE && byte !== OPEN_BRACKET : byte === LOWER_N) return false
  const last = scanJson(bytes, first, undefined, end)
  return last !== -1 && skipSpace(bytes, last, end) === end && isText(bytes, start, end)
}
