import { isUtf8 } from 'node:buffer'
import { Problem, type ProblemPart } from '../problems/problem.ts'
import type { OutgoingRecord, RecordHeader } from './record.ts'
import { decodeBase64 } from './base64.ts'
import {
  dataKind,
  isTextAttribute,
  isUtf8Type,
  nameFault,
  requiredAttributes,
  valueFault,
} from './cloudevent-attributes.ts'
import { hasLoneSurrogateEscape, scanJson, skipSpace } from './json-scan.ts'
import { pointerToken } from './json-pointer.ts'
import { jsonString, NameSet, type Span, walkArray, walkObject } from './json-walk.ts'

const QUOTE = 0x22
const MINUS = 0x2d
const NINE = 0x39
const OPEN_BRACKET = 0x5b
const LOWER_F = 0x66
const LOWER_N = 0x6e
const LOWER_T = 0x74
const OPEN_BRACE = 0x7b
const MAX_ATTRIBUTES = 1_000
/** Past so many faults an event is named with its first alone. */
const MANY_FAULTS = 20
const contentTypeName = Buffer.from('content-type')

/**
 * Reads one event of the CloudEvents JSON format as the record that the Kafka binding makes of it in binary content mode:
 * `ce_*` headers, `content-type`, the data as the value, `partitionkey` as the key. JSON data keeps its bytes.
 * @throws Problem malformed_json; invalid_event with a pointer for each fault
 */
export function parseEvent(bytes: Buffer): OutgoingRecord {
  const parser = new EventParser(bytes)
  const start = skipSpace(bytes, 0, bytes.length)
  const { record, end } = parser.event(start, '')
  parser.finish(end)
  return record
}

/**
 * Reads a batch of the JSON batch format.
 * @throws Problem as parseEvent, naming every event at fault; empty_batch, too_many_records
 */
export function parseEventBatch(bytes: Buffer, maxRecords: number): OutgoingRecord[] {
  const parser = new EventParser(bytes)
  const start = skipSpace(bytes, 0, bytes.length)
  const records: OutgoingRecord[] = []
  if (bytes[start] !== OPEN_BRACKET) {
    parser.fault('', 'expected an array of events')
    parser.finish(scanJson(bytes, start))
  }
  const end = walkArray(bytes, start, (at, index) => {
    if (index >= maxRecords) {
      throw new Problem('too_many_records', {
        detail: `One request may hold at most ${maxRecords} events.`,
        extra: { limit: maxRecords },
        outcome: 'not_written',
      })
    }
    const { record, end } = parser.event(at, `/${index}`)
    records.push(record)
    return end
  })
  parser.finish(end)
  if (records.length === 0) throw new Problem('empty_batch', { outcome: 'not_written' })
  return records
}

/** Whether `bytes[start, end)` is one event of the JSON format, with what space it has about it. */
export function isEvent(bytes: Buffer, start: number, end: number): boolean {
  const text = bytes.subarray(start, end)
  const parser = new EventParser(text)
  const at = skipSpace(text, 0, text.length)
  return parser.isComplete(parser.event(at, '').end) && !parser.faulty
}

const noRecord: OutgoingRecord = { key: null, value: null, headers: [] }

class EventParser {
  readonly #bytes: Buffer
  readonly #errors: ProblemPart[] = []
  /** Faults this event may still be named with. */
  #left = MANY_FAULTS

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get faulty(): boolean {
    return this.#errors.length > 0
  }

  /** The event that starts at `start`, and where it ends, or -1 where it is malformed. */
  event(start: number, pointer: string): { record: OutgoingRecord; end: number } {
    const bytes = this.#bytes
    this.#left = this.#errors.length < MANY_FAULTS ? MANY_FAULTS : 1
    if (bytes[start] !== OPEN_BRACE) {
      this.fault(pointer, 'expected an event, an object')
      return { record: noRecord, end: scanJson(bytes, start) }
    }
    const names = new NameSet()
    const attributes = new Map<string, string>()
    let data: Span | undefined
    let base64: Span | undefined
    const end = walkObject(bytes, start, (name, valueStart) => {
      const valueEnd = scanJson(bytes, valueStart)
      if (valueEnd < 0) return valueEnd
      const span = { start: valueStart, end: valueEnd }
      // A name that is not well-formed would make the answer so.
      const member = `${pointer}/${pointerToken(name.toWellFormed())}`
      if (!names.add(name)) this.fault(member, 'given twice')
      else if (name === 'data') data = span
      else if (name === 'data_base64') base64 = bytes[valueStart] === LOWER_N ? undefined : span
      else this.#attribute(attributes, name, span, member)
      return valueEnd
    })
    if (end < 0) return { record: noRecord, end }
    for (const name of requiredAttributes) {
      if (!names.has(name)) this.fault(`${pointer}/${name}`, 'required')
    }
    if (data !== undefined && base64 !== undefined) {
      this.fault(`${pointer}/data_base64`, 'not together with data')
      return { record: noRecord, end }
    }
    const type = attributes.get('datacontenttype')
    const value =
      base64 === undefined
        ? this.#data(data, type, `${pointer}/data`)
        : this.#base64(base64, `${pointer}/data_base64`)
    const implied = data === undefined ? undefined : 'application/json'
    return { record: eventRecord(attributes, type ?? implied, value), end }
  }

  #attribute(into: Map<string, string>, name: string, span: Span, pointer: string): void {
    const fault = nameFault(name)
    if (fault !== undefined) return this.fault(pointer, fault)
    const first = this.#bytes[span.start]!
    // Unset.
    if (first === LOWER_N) {
      if ((requiredAttributes as readonly string[]).includes(name)) this.fault(pointer, 'required')
      return
    }
    const text = this.#canonical(name, first, span)
    if (text === undefined) {
      const expected = isTextAttribute(name) ? 'text' : 'text, a boolean or an integer of 32 bits'
      return this.fault(pointer, `expected ${expected}`)
    }
    const wrong = valueFault(name, text)
    if (wrong !== undefined) return this.fault(pointer, wrong)
    if (into.size === MAX_ATTRIBUTES) return this.fault(pointer, `more than ${MAX_ATTRIBUTES} attributes`)
    into.set(name, text)
  }

  /** The canonical text of an attribute's value; undefined where it has no such type. */
  #canonical(name: string, first: number, { start, end }: Span): string | undefined {
    if (first === QUOTE) return jsonString(this.#bytes, start, end)
    if (isTextAttribute(name)) return undefined
    const text = this.#bytes.toString('latin1', start, end)
    if (first === LOWER_T || first === LOWER_F) return text
    const isNumber = first === MINUS || (first >= 0x30 && first <= NINE)
    return isNumber && /^-?\d{1,10}$/.test(text) && Number(text) === (Number(text) | 0) ? text : undefined
  }

  /** The bytes of `data`: JSON as it stands, text as what it says. */
  #data(span: Span | undefined, type: string | undefined, pointer: string): Buffer | null {
    if (span === undefined) return null
    const bytes = this.#bytes
    const { start, end } = span
    if (type === undefined || dataKind(type) === 'json') return bytes.subarray(start, end)
    if (bytes[start] !== QUOTE)
      this.fault(pointer, 'expected text, since datacontenttype is not JSON; bytes go into data_base64')
    else if (!isUtf8Type(type)) this.fault(pointer, 'text is UTF-8: for another charset use data_base64')
    else if (hasLoneSurrogateEscape(bytes, start, end)) this.fault(pointer, 'holds half a surrogate pair')
    else return Buffer.from(jsonString(bytes, start, end))
    return null
  }

  #base64({ start, end }: Span, pointer: string): Buffer | null {
    const bytes = this.#bytes
    const decoded = bytes[start] === QUOTE ? decodeBase64(jsonString(bytes, start, end)) : undefined
    if (decoded === undefined) this.fault(pointer, 'not valid base64 (RFC 4648, section 4)')
    return decoded ?? null
  }

  fault(pointer: string, reason: string): void {
    if (this.#left === 0) return
    this.#left--
    this.#errors.push({ pointer, reason })
  }

  /** Whether the document that ended at `end` is all there is. */
  isComplete(end: number): boolean {
    const bytes = this.#bytes
    return end >= 0 && skipSpace(bytes, end, bytes.length) === bytes.length && isUtf8(bytes)
  }

  /** @throws Problem where the document is not whole, or an event was at fault */
  finish(end: number): void {
    if (!this.isComplete(end)) {
      throw new Problem('malformed_json', {
        detail: 'The body is not one complete JSON document in UTF-8, or it nests deeper than 500 levels.',
        outcome: 'not_written',
      })
    }
    if (this.#errors.length > 0) throw invalidEvent(this.#errors)
  }
}

/** The record of an event, as the Kafka binding of CloudEvents has it in binary content mode. */
export function eventRecord(
  attributes: ReadonlyMap<string, string>,
  contentType: string | undefined,
  value: Buffer | null,
): OutgoingRecord {
  const headers: RecordHeader[] = []
  for (const [name, text] of attributes) {
    if (name !== 'datacontenttype')
      headers.push({ name: Buffer.from(`ce_${name}`), value: Buffer.from(text) })
  }
  if (contentType !== undefined) headers.push({ name: contentTypeName, value: Buffer.from(contentType) })
  const key = attributes.get('partitionkey')
  return { key: key === undefined ? null : Buffer.from(key), value, headers }
}

/** `errors` names each attribute at fault, by pointer or by header. */
export function invalidEvent(errors: readonly ProblemPart[]): Problem {
  const [first] = errors
  const where = first?.parameter ?? first?.pointer ?? ''
  return new Problem('invalid_event', {
    detail: `${where === '' ? 'The body' : where}: ${first?.reason}${errors.length > 1 ? ` (and ${errors.length - 1} more)` : ''}.`,
    errors,
    outcome: 'not_written',
  })
}
