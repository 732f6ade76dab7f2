import { Problem } from '../problems/problem.ts'
import { BodyFaults } from './body-faults.ts'
import { scanJson, skipSpace } from './json-scan.ts'
import { isText } from './json-string.ts'
import { walkArray } from './json-walk.ts'
import type { OutgoingRecord } from './record.ts'
import { RecordDraft, RecordParser } from './record-parser.ts'

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

const OPEN_BRACKET = 0x5b
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
  return new Parser(bytes, maxRecords, 'body', true).parseTransaction(names)
}

class Parser {
  readonly #bytes: Buffer
  /** 0 where a batch is not taken. */
  readonly #maxRecords: number
  readonly #faults: BodyFaults
  readonly #parser: RecordParser
  /** The topics of the records, where each names its own; else the path does. */
  readonly #topics: string[] | undefined

  constructor(bytes: Buffer, maxRecords: number, what: 'body' | 'line' = 'body', namesTopics = false) {
    this.#bytes = bytes
    this.#maxRecords = maxRecords
    this.#faults = new BodyFaults(what)
    this.#topics = namesTopics ? [] : undefined
    this.#parser = new RecordParser(bytes, this.#faults, namesTopics)
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
      this.#faults.add(
        '',
        `expected an object: one record${this.#maxRecords > 0 ? ', or {"records": [...]}' : ''}`,
      )
    } else {
      const draft = new RecordDraft()
      end = this.#parser.object(start, '', (name, value, pointer) => {
        if (name === 'records' && this.#maxRecords > 0) {
          records = []
          return this.#records(value, pointer, records)
        }
        return this.#parser.member(draft, name, value, pointer)
      })
      if (records === undefined) single = this.#parser.finish(draft, '')
      else if (draft.used) this.#faults.add('', '`records` stands alone: a batch has no other members')
    }
    if (end < 0 || skipSpace(bytes, end, bytes.length) !== bytes.length) throw this.#faults.malformed()
    this.#faults.throwAny()
    if (records === undefined) return { batch: false, records: [single!] }
    if (records.length === 0) throw new Problem('empty_batch', { outcome: 'not_written' })
    return { batch: true, records }
  }

  list(start: number): OutgoingRecord[] {
    const records: OutgoingRecord[] = []
    if (this.#records(start, '/records', records) < 0) throw this.#faults.malformed()
    this.#faults.throwAny()
    if (records.length === 0) throw new Problem('empty_batch', { outcome: 'not_written' })
    return records
  }

  parseTransaction(names: readonly string[]): TransactionBody {
    const bytes = this.#bytes
    this.#checkText()
    const start = skipSpace(bytes, 0, bytes.length)
    const records: OutgoingRecord[] = []
    const topics = this.#topics ?? []
    const members = new Map<string, string>()
    let end: number
    if (bytes[start] !== OPEN_BRACE) {
      end = scanJson(bytes, start)
      this.#faults.add('', 'expected an object')
    } else {
      end = this.#parser.object(start, '', (name, value, pointer) => {
        if (name === 'records') return this.#records(value, pointer, records)
        const valueEnd = scanJson(bytes, value)
        if (!names.includes(name)) this.#faults.add(pointer, 'no such member')
        else if (valueEnd >= 0) members.set(name, bytes.toString('utf8', value, valueEnd))
        return valueEnd
      })
    }
    if (end < 0 || skipSpace(bytes, end, bytes.length) !== bytes.length) throw this.#faults.malformed()
    this.#faults.throwAny()
    return { records: records.map((record, i) => ({ topic: topics[i]!, record })), members }
  }

  /** The elements of `records`; returns where the array ends, or -1 where it is malformed. */
  #records(start: number, pointer: string, into: OutgoingRecord[]): number {
    const bytes = this.#bytes
    if (bytes[start] !== OPEN_BRACKET) {
      this.#faults.add(pointer, 'expected an array of records')
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
        this.#faults.add(elementPointer, 'expected a record, an object')
        return scanJson(bytes, at)
      }
      const draft = new RecordDraft()
      const end = this.#parser.object(at, elementPointer, (name, value, memberPointer) =>
        this.#parser.member(draft, name, value, memberPointer),
      )
      if (end >= 0) into.push(this.#parser.finish(draft, elementPointer))
      if (end >= 0) this.#topics?.push(this.#parser.topic(draft.topic, elementPointer))
      return end
    })
  }

  #checkText(): void {
    if (!isText(this.#bytes, 0, this.#bytes.length)) throw this.#faults.malformed('is not valid UTF-8')
  }
}
