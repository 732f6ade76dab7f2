import type { FetchedRecord } from './fetched-record.ts'
import type { ByteWriter } from './byte-writer.ts'
import { isJson } from './is-json.ts'
import { writeBase64, writeJsonString } from './json-string.ts'
import { writeEvent } from './render-cloudevent.ts'
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
 * | `cloudevents` | the value is an event of CloudEvents 1.0 as JSON: see writeEvent; keys as in `auto`  |      |
 *
 * Base64 is marked by keyEncoding or valueEncoding "base64". A null key or value is null, an empty one "".
 */
export type RecordFormat = (typeof recordFormats)[number]

export const recordFormats = ['auto', 'json', 'text', 'base64', 'cloudevents'] as const

const timestampMember = Buffer.from(',"timestamp":')
const createTime = Buffer.from(',"timestampType":"CreateTime","key":')
const logAppendTime = Buffer.from(',"timestampType":"LogAppendTime","key":')
const keyEncoding = Buffer.from(',"keyEncoding":"base64"')
const valueMember = Buffer.from(',"value":')
const valueEncoding = Buffer.from(',"valueEncoding":"base64"')
const noHeaders = Buffer.from(',"headers":{}}')
const headersMember = Buffer.from(',"headers":')
const nullText = Buffer.from('null')

/** What all records of a partition have in common, to be made once for many. */
export interface RecordPrefix {
  /** The JSON of a record up to the offset's digits. */
  readonly opening: Buffer
  /** The partition's path, as a JSON string: the `source` of what stands for a record that is no event. */
  readonly source: Buffer
}

export function recordPrefix(topic: string, partition: number): RecordPrefix {
  return {
    opening: Buffer.from(`{"topic":${JSON.stringify(topic)},"partition":${partition},"offset":`),
    source: Buffer.from(JSON.stringify(`/v1/topics/${topic}/partitions/${partition}`)),
  }
}

/** Writes a record as its JSON object. Every record has one: bytes that don't fit the format become base64. */
export function renderRecord(
  out: ByteWriter,
  prefix: RecordPrefix,
  record: FetchedRecord,
  format: RecordFormat,
): void {
  const { bytes, keyStart, keyEnd, valueStart, valueEnd } = record
  out.copy(prefix.opening)
  out.integer(record.offset)
  out.copy(timestampMember)
  out.integer(record.timestamp)
  out.copy(record.timestampType === 'CreateTime' ? createTime : logAppendTime)
  if (keyStart < 0) out.copy(nullText)
  else if (writeField(out, bytes, keyStart, keyEnd, keyFormat(format))) out.copy(keyEncoding)
  out.copy(valueMember)
  if (format === 'cloudevents') writeEvent(out, prefix.source, record)
  else if (valueStart < 0) out.copy(nullText)
  else if (writeField(out, bytes, valueStart, valueEnd, format)) out.copy(valueEncoding)
  if (record.headerCount === 0) {
    out.copy(noHeaders)
    return
  }
  out.copy(headersMember)
  writeHeaders(out, record)
  out.byte(0x7d)
}

type FieldFormat = Exclude<RecordFormat, 'cloudevents'>

function keyFormat(format: RecordFormat): FieldFormat {
  return format === 'json' || format === 'cloudevents' ? 'auto' : format
}

/** Writes a key or a value; answers whether as base64. */
function writeField(
  out: ByteWriter,
  bytes: Buffer,
  start: number,
  end: number,
  format: FieldFormat,
): boolean {
  if (format === 'auto') {
    if (isJson(bytes, start, end, 'container')) out.copy(bytes, start, end)
    else if (!writeJsonString(out, bytes, start, end)) return writeAsBase64(out, bytes, start, end)
    return false
  }
  if (format === 'json') {
    if (!isJson(bytes, start, end, 'not null')) return writeAsBase64(out, bytes, start, end)
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
