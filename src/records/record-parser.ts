import type { ProblemCode } from '../problems/problems.ts'
import { decodeBase64 } from './base64.ts'
import { type BodyFaults, loneSurrogate } from './body-faults.ts'
import { hasLoneSurrogateEscape, scanJson } from './json-scan.ts'
import { pointerToken } from './json-pointer.ts'
import { jsonString, NameSet, type Span, walkArray, walkObject } from './json-walk.ts'
import type { OutgoingRecord, RecordHeader } from './record.ts'

export const MAX_HEADERS = 1_000
const NO_HEADERS: readonly RecordHeader[] = []
const headerMembers = new Set(['name', 'nameEncoding', 'value', 'encoding'])
const QUOTE = 0x22
const OPEN_BRACKET = 0x5b
const BACKSLASH = 0x5c
const LOWER_N = 0x6e
const OPEN_BRACE = 0x7b

/** Takes a member of an object and where its value starts; returns where that ends, or -1 where it is malformed. */
type Visit = (name: string, value: number, pointer: string) => number

const givenTwice: { reason: string; code: ProblemCode } = { reason: 'given twice', code: 'invalid_request' }
const headerTwice: typeof givenTwice = {
  reason: 'named twice: use the list form for duplicates',
  code: 'invalid_headers',
}

/** The members of one record, as they are met. */
export class RecordDraft {
  used = false
  topic: Span | undefined
  key: Span | undefined
  value: Span | undefined
  keyEncoding: Span | undefined
  valueEncoding: Span | undefined
  partition: Span | undefined
  timestamp: Span | undefined
  headers: RecordHeader[] | undefined
}

/**
 * Reads records where they stand in bytes that are valid UTF-8. A key or value that is an object, array, number or boolean
 * is a view of the very bytes it was written with.
 */
export class RecordParser {
  readonly #bytes: Buffer
  readonly #faults: BodyFaults
  /** Whether each record names its topic: else the path does. */
  readonly #namesTopic: boolean

  constructor(bytes: Buffer, faults: BodyFaults, namesTopic: boolean) {
    this.#bytes = bytes
    this.#faults = faults
    this.#namesTopic = namesTopic
  }

  /** Takes a member of a record into its draft; returns where its value ends, or -1 where it is malformed. */
  member(draft: RecordDraft, name: string, start: number, pointer: string): number {
    if (name === 'headers') {
      draft.used = true
      const headers: RecordHeader[] = []
      draft.headers = headers
      return this.#headers(start, pointer, headers)
    }
    const end = scanJson(this.#bytes, start)
    if (end < 0) return end
    const span = { start, end }
    switch (name) {
      case 'key':
      case 'value':
      case 'keyEncoding':
      case 'valueEncoding':
      case 'partition':
      case 'timestamp':
        draft[name] = span
        break
      case 'topic':
        if (this.#namesTopic) draft.topic = span
        else this.#faults.add(pointer, 'no such member: the path names the topic')
        break
      default:
        this.#faults.add(pointer, 'no such member')
    }
    draft.used = true
    return end
  }

  /** The record of all its members. */
  finish(draft: RecordDraft, pointer: string): OutgoingRecord {
    if (draft.value === undefined) this.#faults.add(`${pointer}/value`, 'required; null makes a tombstone')
    return {
      key: this.#content(draft.key, draft.keyEncoding, `${pointer}/key`),
      value: this.#content(draft.value, draft.valueEncoding, `${pointer}/value`),
      headers: draft.headers ?? NO_HEADERS,
      partition: this.#integer(draft.partition, 0x7fffffff, `${pointer}/partition`, 'invalid_partition'),
      timestamp: this.#integer(
        draft.timestamp,
        Number.MAX_SAFE_INTEGER,
        `${pointer}/timestamp`,
        'invalid_request',
      ),
    }
  }

  /** The topic that it names. */
  topic(span: Span | undefined, pointer: string): string {
    if (span !== undefined && this.#bytes[span.start] === QUOTE) {
      return jsonString(this.#bytes, span.start, span.end)
    }
    this.#faults.add(`${pointer}/topic`, span === undefined ? 'required' : 'expected text')
    return ''
  }

  /** A key or value: text or base64 where it is a JSON string, null where it is null, else its JSON text itself. */
  #content(
    span: Span | undefined,
    encoding: Span | undefined,
    pointer: string,
    encodingPointer = `${pointer}Encoding`,
  ): Buffer | null {
    const base64 = this.#isBase64(encoding, encodingPointer)
    if (span === undefined) return null
    const first = this.#bytes[span.start]
    if (first === LOWER_N) return null
    if (first === QUOTE) return base64 ? this.#base64(span, pointer) : this.#text(span, pointer)
    if (base64) this.#faults.add(pointer, 'expected a base64 string', 'invalid_encoding')
    return this.#bytes.subarray(span.start, span.end)
  }

  #isBase64(span: Span | undefined, pointer: string): boolean {
    if (span === undefined || this.#bytes[span.start] === LOWER_N) return false
    const isBase64 =
      this.#bytes[span.start] === QUOTE && jsonString(this.#bytes, span.start, span.end) === 'base64'
    if (!isBase64) this.#faults.add(pointer, 'expected "base64", or nothing', 'invalid_encoding')
    return isBase64
  }

  #base64(span: Span, pointer: string): Buffer {
    const decoded = decodeBase64(jsonString(this.#bytes, span.start, span.end))
    if (decoded === undefined)
      this.#faults.add(pointer, 'not valid base64 (RFC 4648, section 4)', 'invalid_encoding')
    return decoded ?? Buffer.alloc(0)
  }

  /** The UTF-8 bytes of a JSON string: where they stand, unless an escape has to be resolved. */
  #text({ start, end }: Span, pointer: string): Buffer {
    const bytes = this.#bytes.subarray(start + 1, end - 1)
    if (!bytes.includes(BACKSLASH)) return bytes
    if (hasLoneSurrogateEscape(this.#bytes, start, end)) throw loneSurrogate(pointer)
    return Buffer.from(jsonString(this.#bytes, start, end))
  }

  #integer(span: Span | undefined, max: number, pointer: string, code: ProblemCode): number | undefined {
    if (span === undefined || this.#bytes[span.start] === LOWER_N) return undefined
    const text = this.#bytes.toString('latin1', span.start, span.end)
    const number = /^\d{1,16}$/.test(text) ? Number(text) : Infinity
    if (number <= max) return number
    this.#faults.add(pointer, `expected an integer from 0 to ${max}, in plain digits`, code)
    return undefined
  }

  #headers(start: number, pointer: string, into: RecordHeader[]): number {
    const bytes = this.#bytes
    if (bytes[start] === OPEN_BRACE) {
      const visit: Visit = (name, value, valuePointer) => {
        const end = scanJson(bytes, value)
        if (end < 0) return end
        if (!name.isWellFormed()) throw loneSurrogate(valuePointer)
        this.#addHeader(into, Buffer.from(name), { start: value, end }, undefined, valuePointer)
        return end
      }
      return this.object(start, pointer, visit, headerTwice)
    }
    if (bytes[start] === OPEN_BRACKET) {
      return walkArray(bytes, start, (at, index) => this.#headerElement(at, `${pointer}/${index}`, into))
    }
    const end = scanJson(bytes, start)
    if (bytes[start] !== LOWER_N) this.#faults.add(pointer, 'expected an object or a list', 'invalid_headers')
    return end
  }

  /** `{name, nameEncoding?, value, encoding?}`, as records are read. */
  #headerElement(at: number, pointer: string, into: RecordHeader[]): number {
    const bytes = this.#bytes
    if (bytes[at] !== OPEN_BRACE) {
      this.#faults.add(pointer, 'expected {name, value, encoding?}', 'invalid_headers')
      return scanJson(bytes, at)
    }
    const parts: Record<string, Span> = {}
    const end = this.object(at, pointer, (name, start, memberPointer) => {
      const valueEnd = scanJson(bytes, start)
      if (!headerMembers.has(name)) {
        this.#faults.add(memberPointer, 'no such member', 'invalid_headers')
      } else parts[name] = { start, end: valueEnd }
      return valueEnd
    })
    if (end < 0) return end
    const { name, nameEncoding, value, encoding } = parts
    if (name === undefined || bytes[name.start] !== QUOTE)
      this.#faults.add(`${pointer}/name`, 'expected text', 'invalid_headers')
    else if (value === undefined)
      this.#faults.add(`${pointer}/value`, 'required; it may be null', 'invalid_headers')
    else {
      const nameBytes = this.#content(name, nameEncoding, `${pointer}/name`)!
      this.#addHeader(into, nameBytes, value, encoding, `${pointer}/value`)
    }
    return end
  }

  #addHeader(
    into: RecordHeader[],
    name: Buffer,
    value: Span,
    encoding: Span | undefined,
    pointer: string,
  ): void {
    const first = this.#bytes[value.start]
    if (first !== QUOTE && first !== LOWER_N)
      this.#faults.add(pointer, 'expected text or null', 'invalid_headers')
    else if (name.some((byte) => byte < 0x20 || byte === 0x7f)) {
      this.#faults.add(pointer, 'the name holds a control character', 'invalid_headers')
    } else if (into.length >= MAX_HEADERS) {
      this.#faults.add(pointer, `more than ${MAX_HEADERS} headers`, 'invalid_headers')
      this.#faults.throwAny()
    } else {
      // Only the list form has one, and its pointers end like that.
      const encodingPointer = encoding && pointer.replace(/value$/, 'encoding')
      into.push({ name, value: this.#content(value, encoding, pointer, encodingPointer) })
    }
  }

  /** Walks an object as walkObject does. A member named twice is a fault: parsers disagree on which one counts. */
  object(start: number, pointer: string, visit: Visit, duplicate = givenTwice): number {
    const names = new NameSet()
    return walkObject(this.#bytes, start, (name, value) => {
      const memberPointer = `${pointer}/${pointerToken(name)}`
      if (!names.add(name)) this.#faults.add(memberPointer, duplicate.reason, duplicate.code)
      return visit(name, value, memberPointer)
    })
  }
}
