import { isUtf8 } from 'node:buffer'
import { Problem, type ProblemCode, type ProblemPart } from '../problem.ts'
import type { OutgoingRecord, RecordHeader } from '../record.ts'
import { decodeBase64 } from './base64.ts'
import { hasLoneSurrogateEscape, scanJson, skipSpace } from './json-scan.ts'

/** The records of a JSON produce body, and whether it was one record or a batch: the answer has the same form. */
export interface ProduceBody {
  readonly batch: boolean
  readonly records: OutgoingRecord[]
}

const MAX_HEADERS = 1_000
const MAX_REPORTED_ERRORS = 20
const NO_HEADERS: readonly RecordHeader[] = []
const QUOTE = 0x22
const COMMA = 0x2c
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const BACKSLASH = 0x5c
const LOWER_N = 0x6e
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d

/**
 * Reads a JSON produce body, one record or `{"records": [...]}`, without building its values: a key or value that is an
 * object, array, number or boolean becomes the very bytes it was written with. One pass, over bytes.
 * @throws Problem malformed_json; invalid_request and its narrower kin, with a pointer for each fault; empty_batch;
 * too_many_records
 */
export function parseProduceBody(bytes: Buffer, maxRecords: number): ProduceBody {
  if (!isUtf8(bytes)) throw new Problem('malformed_json', { detail: 'The body is not valid UTF-8.' })
  return new Parser(bytes, maxRecords).parse()
}

/** Where a value stands in the bytes. */
interface Span {
  readonly start: number
  readonly end: number
}

class Parser {
  readonly #bytes: Buffer
  readonly #maxRecords: number
  readonly #errors: (ProblemPart & { code: ProblemCode })[] = []

  constructor(bytes: Buffer, maxRecords: number) {
    this.#bytes = bytes
    this.#maxRecords = maxRecords
  }

  parse(): ProduceBody {
    const bytes = this.#bytes
    const start = skipSpace(bytes, 0, bytes.length)
    let records: OutgoingRecord[] | undefined
    let single: OutgoingRecord | undefined
    let end: number
    if (bytes[start] !== OPEN_BRACE) {
      end = scanJson(bytes, start)
      this.#fault('', 'expected an object: one record, or {"records": [...]}')
    } else {
      const draft = new RecordDraft()
      end = this.#object(start, '', (name, value, pointer) => {
        if (name === 'records') {
          records = []
          return this.#records(value, pointer, records)
        }
        return this.#recordMember(draft, name, value, pointer)
      })
      if (records === undefined) single = this.#finish(draft, '')
      else if (draft.used) this.#fault('', '`records` stands alone: a batch has no other members')
    }
    if (end < 0 || skipSpace(bytes, end, bytes.length) !== bytes.length) throw malformed()
    this.#throwFaults()
    if (records === undefined) return { batch: false, records: [single!] }
    if (records.length === 0) throw new Problem('empty_batch', { outcome: 'not_written' })
    return { batch: true, records }
  }

  /** The elements of `records`; returns where the array ends, or -1 where it is malformed. */
  #records(start: number, pointer: string, into: OutgoingRecord[]): number {
    const bytes = this.#bytes
    if (bytes[start] !== OPEN_BRACKET) {
      this.#fault(pointer, 'expected an array of records')
      return scanJson(bytes, start)
    }
    return this.#array(start, pointer, (at, elementPointer, index) => {
      if (index >= this.#maxRecords) {
        throw new Problem('too_many_records', {
          detail: `One request may hold at most ${this.#maxRecords} records.`,
          extra: { limit: this.#maxRecords },
          outcome: 'not_written',
        })
      }
      if (bytes[at] !== OPEN_BRACE) {
        this.#fault(elementPointer, 'expected a record, an object')
        return scanJson(bytes, at)
      }
      const draft = new RecordDraft()
      const end = this.#object(at, elementPointer, (name, value, memberPointer) =>
        this.#recordMember(draft, name, value, memberPointer),
      )
      if (end >= 0) into.push(this.#finish(draft, elementPointer))
      return end
    })
  }

  #recordMember(draft: RecordDraft, name: string, start: number, pointer: string): number {
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
      default:
        this.#fault(pointer, 'no such member')
    }
    draft.used = true
    return end
  }

  #finish(draft: RecordDraft, pointer: string): OutgoingRecord {
    if (draft.value === undefined) this.#fault(`${pointer}/value`, 'required; null makes a tombstone')
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

  /** A key or value: text or base64 where it is a JSON string, null where it is null, else its JSON text itself. */
  #content(span: Span | undefined, encoding: Span | undefined, pointer: string): Buffer | null {
    const base64 = this.#isBase64(encoding, `${pointer}Encoding`)
    if (span === undefined) return null
    const first = this.#bytes[span.start]
    if (first === LOWER_N) return null
    if (first === QUOTE) return base64 ? this.#base64(span, pointer) : this.#text(span, pointer)
    if (base64) this.#fault(pointer, 'expected a base64 string', 'invalid_encoding')
    return this.#bytes.subarray(span.start, span.end)
  }

  #isBase64(span: Span | undefined, pointer: string): boolean {
    if (span === undefined || this.#bytes[span.start] === LOWER_N) return false
    const text = this.#bytes.toString('latin1', span.start, span.end)
    if (text !== '"base64"') this.#fault(pointer, 'expected "base64", or nothing', 'invalid_encoding')
    return text === '"base64"'
  }

  #base64(span: Span, pointer: string): Buffer {
    const decoded = decodeBase64(this.#bytes.toString('latin1', span.start + 1, span.end - 1))
    if (decoded === undefined)
      this.#fault(pointer, 'not valid base64 (RFC 4648, section 4)', 'invalid_encoding')
    return decoded ?? Buffer.alloc(0)
  }

  /** The UTF-8 bytes of a JSON string: where they stand, unless an escape has to be resolved. */
  #text({ start, end }: Span, pointer: string): Buffer {
    const bytes = this.#bytes.subarray(start + 1, end - 1)
    if (!bytes.includes(BACKSLASH)) return bytes
    if (hasLoneSurrogateEscape(this.#bytes, start, end)) {
      throw new Problem('malformed_json', {
        detail: `${pointer} holds half of a surrogate pair, which no text can carry.`,
        errors: [{ pointer, reason: 'a lone surrogate' }],
        outcome: 'not_written',
      })
    }
    return Buffer.from(JSON.parse(this.#bytes.toString('utf8', start, end)) as string)
  }

  #integer(span: Span | undefined, max: number, pointer: string, code: ProblemCode): number | undefined {
    if (span === undefined || this.#bytes[span.start] === LOWER_N) return undefined
    const text = this.#bytes.toString('latin1', span.start, span.end)
    const number = /^\d{1,16}$/.test(text) ? Number(text) : Infinity
    if (number <= max) return number
    this.#fault(pointer, `expected an integer from 0 to ${max}, in plain digits`, code)
    return undefined
  }

  #headers(start: number, pointer: string, into: RecordHeader[]): number {
    const bytes = this.#bytes
    if (bytes[start] === OPEN_BRACE) {
      const names = new Set<string>()
      return this.#object(start, pointer, (name, value, valuePointer) => {
        const end = scanJson(bytes, value)
        if (end < 0) return end
        if (names.has(name))
          this.#fault(valuePointer, 'named twice: use the list form for duplicates', 'invalid_headers')
        names.add(name)
        this.#addHeader(into, Buffer.from(name), { start: value, end }, undefined, valuePointer)
        return end
      })
    }
    if (bytes[start] === OPEN_BRACKET) {
      return this.#array(start, pointer, (at, elementPointer) =>
        this.#headerElement(at, elementPointer, into),
      )
    }
    const end = scanJson(bytes, start)
    if (bytes[start] !== LOWER_N) this.#fault(pointer, 'expected an object or a list', 'invalid_headers')
    return end
  }

  /** `{name, value, encoding?}`. */
  #headerElement(at: number, pointer: string, into: RecordHeader[]): number {
    const bytes = this.#bytes
    if (bytes[at] !== OPEN_BRACE) {
      this.#fault(pointer, 'expected {name, value, encoding?}', 'invalid_headers')
      return scanJson(bytes, at)
    }
    const parts: Record<string, Span> = {}
    const end = this.#object(at, pointer, (name, start, memberPointer) => {
      const valueEnd = scanJson(bytes, start)
      if (name !== 'name' && name !== 'value' && name !== 'encoding') {
        this.#fault(memberPointer, 'no such member', 'invalid_headers')
      } else parts[name] = { start, end: valueEnd }
      return valueEnd
    })
    if (end < 0) return end
    const { name, value, encoding } = parts
    if (name === undefined || bytes[name.start] !== QUOTE)
      this.#fault(`${pointer}/name`, 'expected text', 'invalid_headers')
    else if (value === undefined)
      this.#fault(`${pointer}/value`, 'required; it may be null', 'invalid_headers')
    else this.#addHeader(into, this.#text(name, `${pointer}/name`), value, encoding, `${pointer}/value`)
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
    if (first !== QUOTE && first !== LOWER_N) this.#fault(pointer, 'expected text or null', 'invalid_headers')
    else if (name.some((byte) => byte < 0x20 || byte === 0x7f)) {
      this.#fault(pointer, 'the name holds a control character', 'invalid_headers')
    } else if (into.length >= MAX_HEADERS) {
      if (into.length === MAX_HEADERS)
        this.#fault(pointer, `more than ${MAX_HEADERS} headers`, 'invalid_headers')
    } else into.push({ name, value: this.#content(value, encoding, pointer) })
  }

  /**
   * Walks an object's members; `visit` returns where the member's value ends. Returns where the object ends, or -1
   * where it is malformed. A member named twice is a fault: parsers disagree on which one counts.
   */
  #object(
    start: number,
    pointer: string,
    visit: (name: string, value: number, pointer: string) => number,
  ): number {
    const bytes = this.#bytes
    const length = bytes.length
    const seen: string[] = []
    let i = skipSpace(bytes, start + 1, length)
    if (bytes[i] === CLOSE_BRACE) return i + 1
    for (;;) {
      if (bytes[i] !== QUOTE) return -1
      const nameEnd = scanJson(bytes, i)
      if (nameEnd < 0) return -1
      const name = this.#name(i, nameEnd)
      i = skipSpace(bytes, nameEnd, length)
      if (bytes[i] !== 0x3a) return -1
      i = skipSpace(bytes, i + 1, length)
      const memberPointer = `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
      // Header objects keep their own account, with a word of advice.
      if (seen.includes(name) && !pointer.endsWith('/headers')) this.#fault(memberPointer, 'given twice')
      seen.push(name)
      i = visit(name, i, memberPointer)
      if (i < 0) return -1
      i = skipSpace(bytes, i, length)
      const next = bytes[i]
      if (next === CLOSE_BRACE) return i + 1
      if (next !== COMMA) return -1
      i = skipSpace(bytes, i + 1, length)
    }
  }

  #array(
    start: number,
    pointer: string,
    visit: (at: number, pointer: string, index: number) => number,
  ): number {
    const bytes = this.#bytes
    const length = bytes.length
    let i = skipSpace(bytes, start + 1, length)
    if (bytes[i] === CLOSE_BRACKET) return i + 1
    for (let index = 0; ; index++) {
      i = visit(i, `${pointer}/${index}`, index)
      if (i < 0) return -1
      i = skipSpace(bytes, i, length)
      const next = bytes[i]
      if (next === CLOSE_BRACKET) return i + 1
      if (next !== COMMA) return -1
      i = skipSpace(bytes, i + 1, length)
    }
  }

  #name(start: number, end: number): string {
    const raw = this.#bytes.toString('utf8', start + 1, end - 1)
    return raw.includes('\\') ? (JSON.parse(`"${raw}"`) as string) : raw
  }

  #fault(pointer: string, reason: string, code: ProblemCode = 'invalid_request'): void {
    if (this.#errors.length < MAX_REPORTED_ERRORS) this.#errors.push({ pointer, reason, code })
  }

  /** One kind of fault has its own code; a mixture is an invalid request. */
  #throwFaults(): void {
    const [first] = this.#errors
    if (first === undefined) return
    const code = this.#errors.every((error) => error.code === first.code) ? first.code : 'invalid_request'
    throw new Problem(code, {
      detail: `${first.pointer === '' ? 'The body' : first.pointer}: ${first.reason}.`,
      errors: this.#errors.map(({ pointer, reason }) => ({
        ...(pointer === undefined ? {} : { pointer }),
        reason,
      })),
      outcome: 'not_written',
    })
  }
}

/** The members of one record, as they are met. */
class RecordDraft {
  used = false
  key: Span | undefined
  value: Span | undefined
  keyEncoding: Span | undefined
  valueEncoding: Span | undefined
  partition: Span | undefined
  timestamp: Span | undefined
  headers: RecordHeader[] | undefined
}

function malformed(): Problem {
  return new Problem('malformed_json', {
    detail: 'The body is not one complete JSON document, or it nests deeper than 500 levels.',
    outcome: 'not_written',
  })
}
