import { type FetchedRecord, type HeaderView, readHeaders } from './fetched-record.ts'
import type { ByteWriter } from './byte-writer.ts'
import { dataKind, isUtf8Type, nameFault, requiredAttributes, valueFault } from './cloudevent-attributes.ts'
import { isJson } from './is-json.ts'
import { isText, writeBase64, writeJsonString } from './json-string.ts'
import { isEvent } from './parse-cloudevents.ts'

const PREFIX = 'ce_'
const STRUCTURED = 'application/cloudevents'
/** The last moment an RFC 3339 time can name. */
const MAX_TIME = Date.UTC(9999, 11, 31, 23, 59, 59, 999)

/** The type of what stands for a record that is no event. */
export const WRAPPED_TYPE = 'sluice.record'

/**
 * Writes a record as an event in the JSON event format: the event that it is, by the Kafka binding of CloudEvents in
 * binary or structured content mode; or, where it is none, an event of type `sluice.record` made of it, with `source` (the
 * partition's path) and the offset as its id. What would be refused on its way in is no event on its way out.
 */
export function writeEvent(out: ByteWriter, source: Buffer, record: FetchedRecord): void {
  const { bytes, valueStart, valueEnd } = record
  const headers = readHeaders(record)
  const contentType = headerText(bytes, headers, 'content-type')
  if (contentType?.toLowerCase().startsWith(STRUCTURED) === true) {
    if (valueStart >= 0 && isEvent(bytes, valueStart, valueEnd)) return out.copy(bytes, valueStart, valueEnd)
  } else {
    const attributes = attributesOf(bytes, headers, contentType)
    if (attributes !== undefined) return writeBinary(out, record, attributes, contentType)
  }
  writeWrapped(out, source, record, contentType)
}

/** The attributes in the `ce_*` headers, or undefined where they make no event. */
function attributesOf(
  bytes: Buffer,
  headers: readonly HeaderView[],
  contentType: string | undefined,
): Map<string, string> | undefined {
  const attributes = new Map<string, string>()
  if (contentType !== undefined && valueFault('datacontenttype', contentType) !== undefined) return undefined
  for (const { nameStart, nameEnd, valueStart, valueEnd } of headers) {
    if (bytes.toString('latin1', nameStart, Math.min(nameEnd, nameStart + PREFIX.length)) !== PREFIX) continue
    // Unset, as null is in JSON.
    if (valueStart < 0) continue
    if (!isText(bytes, nameStart, nameEnd) || !isText(bytes, valueStart, valueEnd)) return undefined
    const name = bytes.toString('utf8', nameStart + PREFIX.length, nameEnd)
    const text = bytes.toString('utf8', valueStart, valueEnd)
    if (attributes.has(name) || nameFault(name) !== undefined || valueFault(name, text) !== undefined)
      return undefined
    attributes.set(name, text)
  }
  return requiredAttributes.every((name) => attributes.has(name)) ? attributes : undefined
}

function writeBinary(
  out: ByteWriter,
  record: FetchedRecord,
  attributes: ReadonlyMap<string, string>,
  contentType: string | undefined,
): void {
  let separator = '{"'
  for (const [name, text] of attributes) {
    // The binding has it in content-type; the JavaScript SDK writes both.
    if (name === 'datacontenttype') continue
    out.ascii(`${separator}${name}":`)
    writeText(out, text)
    separator = ',"'
  }
  writeData(out, record, contentType ?? attributes.get('datacontenttype'))
  out.byte(0x7d)
}

function writeWrapped(
  out: ByteWriter,
  source: Buffer,
  record: FetchedRecord,
  contentType: string | undefined,
): void {
  const { bytes, timestamp, keyStart, keyEnd } = record
  out.ascii(`{"specversion":"1.0","id":"${record.offset}","source":`)
  out.copy(source)
  out.ascii(`,"type":"${WRAPPED_TYPE}"`)
  if (timestamp >= 0 && timestamp <= MAX_TIME) {
    out.ascii(`,"time":"${new Date(Number(timestamp)).toISOString()}"`)
  }
  if (keyStart >= 0 && isText(bytes, keyStart, keyEnd)) {
    const key = bytes.toString('utf8', keyStart, keyEnd)
    if (valueFault('partitionkey', key) === undefined) {
      out.ascii(',"partitionkey":')
      writeText(out, key)
    }
  }
  const isType = contentType !== undefined && valueFault('datacontenttype', contentType) === undefined
  writeData(out, record, isType ? contentType : typeOf(record))
  out.byte(0x7d)
}

/** What a value is taken for of which nothing is said, as in format `auto`: a JSON object or array, text, or bytes. */
function typeOf({ bytes, valueStart, valueEnd }: FetchedRecord): string | undefined {
  if (valueStart < 0) return undefined
  if (isJson(bytes, valueStart, valueEnd, 'container')) return 'application/json'
  return isText(bytes, valueStart, valueEnd) ? 'text/plain' : undefined
}

/** `datacontenttype` and `data`, or `data_base64` where the value is not what its type says, or says nothing. */
function writeData(out: ByteWriter, record: FetchedRecord, type: string | undefined): void {
  const { bytes, valueStart, valueEnd } = record
  if (type !== undefined) {
    out.ascii(',"datacontenttype":')
    writeText(out, type)
  }
  if (valueStart < 0) return
  const kind = type === undefined ? 'bytes' : dataKind(type)
  if (kind === 'json' && isJson(bytes, valueStart, valueEnd, 'any')) {
    out.ascii(',"data":')
    return out.copy(bytes, valueStart, valueEnd)
  }
  if (kind === 'text' && isUtf8Type(type!)) {
    const before = out.length
    out.ascii(',"data":')
    if (writeJsonString(out, bytes, valueStart, valueEnd)) return
    out.truncate(before)
  }
  out.ascii(',"data_base64":')
  writeBase64(out, bytes, valueStart, valueEnd)
}

function writeText(out: ByteWriter, text: string): void {
  const bytes = Buffer.from(text)
  writeJsonString(out, bytes, 0, bytes.length)
}

/** The text of the last header of this name, which Kafka's own lastHeader() takes; undefined where it has none. */
function headerText(bytes: Buffer, headers: readonly HeaderView[], name: string): string | undefined {
  const found = headers.findLast(
    ({ nameStart, nameEnd }) =>
      nameEnd - nameStart === name.length &&
      bytes.toString('latin1', nameStart, nameEnd).toLowerCase() === name,
  )
  if (found === undefined || found.valueStart < 0 || !isText(bytes, found.valueStart, found.valueEnd))
    return undefined
  return bytes.toString('utf8', found.valueStart, found.valueEnd)
}
