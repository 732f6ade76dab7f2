import { Problem, type ProblemPart } from '../problems/problem.ts'
import type { ProblemCode } from '../problems/problems.ts'
import type { OutgoingRecord, RecordHeader } from './record.ts'
import { decodeBase64 } from './base64.ts'
import { hasLoneSurrogateEscape, scanJson, skipSpace } from './json-scan.ts'
import { isText } from './json-string.ts'
import { pointerToken } from './json-pointer.ts'
import { jsonString, NameSet, type Span, walkArray, walkObject } from './json-walk.ts'

/** The records of a JSON produce body, and whether it was one record or a batch: the answer has the same form. */
export interface ProduceBody {
  readonly batch: boolean
  readonly records: OutgoingRecord[]
}

/** The records of a transaction's body, each with its topic, and the body's other members as JSON text. */
export interface TransactionBody {
  readonly records: { readonly topic: string; readonly record: OutgoingRecord }[]
  readonly members: ReadonlyMap<string, string>
}

export const MAX_HEADERS = 1_000
const MAX_REPORTED_ERRORS = 20
const NO_HEADERS: readonly RecordHeader[] = []
const headerMembers = new Set(['name', 'nameEncoding', 'value', 'encoding'])
const QUOTE = 0x22
const OPEN_BRACKET = 0x5b
const BACKSLASH = 0x5c
const LOWER_N = 0x6e
const OPEN_BRACE = 0x7b

/**
 * Reads a JSON produce body, one record or `{"records": [...]}`, without building its values: a key or value that is an
 * object, array, number or boolean becomes the very bytes it was written with. One pass, over bytes.
 * @throws Problem malformed_json; invalid_request and its narrower kin, with a pointer for each fault; empty_batch;
 * too_many_records
 */
export function parseProduceBody(bytes: Buffer, maxRecords: number): ProduceBody {
  return new Parser(bytes, maxRecords).parse()
}

/** Reads one line of a stream of records: one record in the same form. @throws as parseProduceBody */
export function parseProduceLine(line: Buffer): OutgoingRecord {
  return new Parser(line, 0, 'line').parse().records[0]!
}

/**
 * Reads the list of records that starts at `start` of bytes that are valid UTF-8 and JSON.
 * @throws Problem as parseProduceBody; pointers begin with /records
 */
export function parseRecordList(bytes: Buffer, start: number, maxRecords: number): OutgoingRecord[] {
  return new Parser(bytes, maxRecords).list(start)
}

/**
 * Reads the body of a transaction in the same way: records that name their topics, beside these other members.
 * @throws Problem as parseProduceBody, but for empty_batch
 */
export function parseTransactionBody(
  bytes: Buffer,
  maxRecords: number,
  names: readonly string[],
): TransactionBody {
  return new Parser(bytes, maxRecords).parseTransaction(names)
}

/** Takes a member of an object and where its value starts; returns where that ends, or -1 where it is malformed. */
type Visit = (name: string, value: number, pointer: string) => number

const givenTwice: { reason: string; code: ProblemCode } = { reason: 'given twice', code: 'invalid_request' }
const headerTwice: typeof givenTwice = {
  reason: 'named twice: use the list form for duplicates',
  code: 'invalid_headers',
}

class Parser {
  readonly #bytes: Buffer
  /** 0 where a batch is not taken. */
  readonly #maxRecords: number
  /** What the bytes are, for the words of an error. */
  readonly #what: 'body' | 'line'
  readonly #errors: (ProblemPart & { code: ProblemCode })[] = []
  /** The topics of the records, where each names its own. */
  #topics: string[] | undefined

  constructor(bytes: Buffer, maxRecords: number, what: 'body' | 'line' = 'body') {
    this.#bytes = bytes
    this.#maxRecords = maxRecords
    this.#what = what
  }

  parse(): ProduceBody {
    const bytes = this.#bytes
    this.#checkText()
    const start = skipSpace(bytes, 0, bytes.length)
    let records: OutgoingRecord[] | undefined
    let single: OutgoingRecord | undefined
    let end: number
    if (bytes[start] !== OPEN_BRACE) {
      end = scanJson(bytes, start)
      this.#fault(
        '',
        `expected an object: one record${this.#maxRecords > 0 ? ', or {"records": [...]}' : ''}`,
      )
    } else {
      const draft = new RecordDraft()
      end = this.#object(start, '', (name, value, pointer) => {
        if (name === 'records' && this.#maxRecords > 0) {
          records = []
          return this.#records(value, pointer, records)
        }
        return this.#recordMember(draft, name, value, pointer)
      })
      if (records === undefined) single = this.#finish(draft, '')
      else if (draft.used) this.#fault('', '`records` stands alone: a batch has no other members')
    }
    if (end < 0 || skipSpace(bytes, end, bytes.length) !== bytes.length) throw this.#malformed()
    this.#throwFaults()
    if (records === undefined) return { batch: false, records: [single!] }
    if (records.length === 0) throw new Problem('empty_batch', { outcome: 'not_written' })
    return { batch: true, records }
  }

  list(start: number): OutgoingRecord[] {
    const records: OutgoingRecord[] = []
    if (this.#records(start, '/records', records) < 0) throw this.#malformed()
    this.#throwFaults()
    if (records.length === 0) throw new Problem('empty_batch', { outcome: 'not_written' })
    return records
  }

  parseTransaction(names: readonly string[]): TransactionBody {
    const bytes = this.#bytes
    this.#checkText()
    const start = skipSpace(bytes, 0, bytes.length)
    const records: OutgoingRecord[] = []
    const topics: string[] = []
    const members = new Map<string, string>()
    this.#topics = topics
    let end: number
    if (bytes[start] !== OPEN_BRACE) {
      end = scanJson(bytes, start)
      this.#fault('', 'expected an object')
    } else {
      end = this.#object(start, '', (name, value, pointer) => {
        if (name === 'records') return this.#records(value, pointer, records)
        const valueEnd = scanJson(bytes, value)
        if (!names.includes(name)) this.#fault(pointer, 'no such member')
        else if (valueEnd >= 0) members.set(name, bytes.toString('utf8', value, valueEnd))
        return valueEnd
      })
    }
    if (end < 0 || skipSpace(bytes, end, bytes.length) !== bytes.length) throw this.#malformed()
    this.#throwFaults()
    return { records: records.map((record, i) => ({ topic: topics[i]!, record })), members }
  }

  /** The elements of `records`; returns where the array ends, or -1 where it is malformed. */
  #records(start: number, pointer: string, into: OutgoingRecord[]): number {
    const bytes = this.#bytes
    if (bytes[start] !== OPEN_BRACKET) {
      this.#fault(pointer, 'expected an array of records')
      return scanJson(bytes, start)
    }
    return walkArray(bytes, start, (at, index) => {
      const elementPointer = `${pointer}/${index}`
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
      if (end >= 0) this.#topics?.push(this.#topic(draft.topic, elementPointer))
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
      case 'topic':
        if (this.#topics !== undefined) draft.topic = span
        else this.#fault(pointer, 'no such member: the path names the topic')
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

  #topic(span: Span | undefined, pointer: string): string {
    if (span !== undefined && this.#bytes[span.start] === QUOTE) {
      return jsonString(this.#bytes, span.start, span.end)
    }
    this.#fault(`${pointer}/topic`, span === undefined ? 'required' : 'expected text')
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
    if (base64) this.#fault(pointer, 'expected a base64 string', 'invalid_encoding')
    return this.#bytes.subarray(span.start, span.end)
  }

  #isBase64(span: Span | undefined, pointer: string): boolean {
    if (span === undefined || this.#bytes[span.start] === LOWER_N) return false
    const isBase64 =
      this.#bytes[span.start] === QUOTE && jsonString(this.#bytes, span.start, span.end) === 'base64'
    if (!isBase64) this.#fault(pointer, 'expected "base64", or nothing', 'invalid_encoding')
    return isBase64
  }

  #base64(span: Span, pointer: string): Buffer {
    const decoded = decodeBase64(jsonString(this.#bytes, span.start, span.end))
    if (decoded === undefined)
      this.#fault(pointer, 'not valid base64 (RFC 4648, section 4)', 'invalid_encoding')
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
    this.#fault(pointer, `expected an integer from 0 to ${max}, in plain digits`, code)
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
      return this.#object(start, pointer, visit, headerTwice)
    }
    if (bytes[start] === OPEN_BRACKET) {
      return walkArray(bytes, start, (at, index) => this.#headerElement(at, `${pointer}/${index}`, into))
    }
    const end = scanJson(bytes, start)
    if (bytes[start] !== LOWER_N) this.#fault(pointer, 'expected an object or a list', 'invalid_headers')
    return end
  }

  /** `{name, nameEncoding?, value, encoding?}`, as records are read. */
  #headerElement(at: number, pointer: string, into: RecordHeader[]): number {
    const bytes = this.#bytes
    if (bytes[at] !== OPEN_BRACE) {
      this.#fault(pointer, 'expected {name, value, encoding?}', 'invalid_headers')
      return scanJson(bytes, at)
    }
    const parts: Record<string, Span> = {}
    const end = this.#object(at, pointer, (name, start, memberPointer) => {
      const valueEnd = scanJson(bytes, start)
      if (!headerMembers.has(name)) {
        this.#fault(memberPointer, 'no such member', 'invalid_headers')
      } else parts[name] = { start, end: valueEnd }
      return valueEnd
    })
    if (end < 0) return end
    const { name, nameEncoding, value, encoding } = parts
    if (name === undefined || bytes[name.start] !== QUOTE)
      this.#fault(`${pointer}/name`, 'expected text', 'invalid_headers')
    else if (value === undefined)
      this.#fault(`${pointer}/value`, 'required; it may be null', 'invalid_headers')
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
    if (first !== QUOTE && first !== LOWER_N) this.#fault(pointer, 'expected text or null', 'invalid_headers')
    else if (name.some((byte) => byte < 0x20 || byte === 0x7f)) {
      this.#fault(pointer, 'the name holds a control character', 'invalid_headers')
    } else if (into.length >= MAX_HEADERS) {
      this.#fault(pointer, `more than ${MAX_HEADERS} headers`, 'invalid_headers')
      this.#throwFaults()
    } else {
      // Only the list form has one, and its pointers end like that.
      const encodingPointer = encoding && pointer.replace(/value$/, 'encoding')
      into.push({ name, value: this.#content(value, encoding, pointer, encodingPointer) })
    }
  }

  /** Walks an object as walkObject does. A member named twice is a fault: parsers disagree on which one counts. */
  #object(start: number, pointer: string, visit: Visit, duplicate = givenTwice): number {
    const names = new NameSet()
    return walkObject(this.#bytes, start, (name, value) => {
      const memberPointer = `${pointer}/${pointerToken(name)}`
      if (!names.add(name)) this.#fault(memberPointer, duplicate.reason, duplicate.code)
      return visit(name, value, memberPointer)
    })
  }

  #fault(pointer: string, reason: string, code: ProblemCode = 'invalid_request'): void {
    this.#errors.push({ pointer, reason, code })
    // Nobody reads more of them, and each costs memory.
    if (this.#errors.length === MAX_REPORTED_ERRORS) this.#throwFaults()
  }

  #checkText(): void {
    if (!isText(this.#bytes, 0, this.#bytes.length)) throw this.#malformed('is not valid UTF-8')
  }

  #malformed(how = 'is not one complete JSON document, or it nests deeper than 500 levels'): Problem {
    return new Problem('malformed_json', { detail: `The ${this.#what} ${how}.`, outcome: 'not_written' })
  }

  /** One kind of fault has its own code; a mixture is an invalid request. */
  #throwFaults(): void {
    const [first] = this.#errors
    if (first === undefined) return
    const code = this.#errors.every((error) => error.code === first.code) ? first.code : 'invalid_request'
    throw new Problem(code, {
      detail: `${first.pointer === '' ? `The ${this.#what}` : first.pointer}: ${first.reason}.`,
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
  topic: Span | undefined
  key: Span | undefined
  value: Span | undefined
  keyEncoding: Span | undefined
  valueEncoding: Span | undefined
  partition: Span | undefined
  timestamp: Span | undefined
  headers: RecordHeader[] | undefined
}

function loneSurrogate(pointer: string): Problem {
  return new Problem('malformed_json', {
    // A pointer to a member so named would itself be one.
    detail: `${pointer.toWellFormed()} holds half of a surrogate pair, which no text can carry.`,
    errors: [{ pointer: pointer.toWellFormed(), reason: 'a lone surrogate' }],
    outcome: 'not_written',
  })
}
