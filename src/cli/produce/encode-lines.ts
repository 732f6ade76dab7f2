import { isUtf8 } from 'node:buffer'
import { LineSplitter } from '../../records/line-splitter.ts'
import { skipSpace } from '../../records/json-scan.ts'

/** The longest line, bytes: more than any gateway takes, so that the refusal is its own where there can be one. */
const MAX_LINE_BYTES = 128 * 1024 * 1024

/** What becomes of a line. */
export interface LineForm {
  /** Lines are records in JSON, taken as they are. */
  readonly json: boolean
  /** Of JSON: the record that a line stands for; undefined where it stands for none. */
  readonly record?: (line: Buffer) => string | undefined
  /** What parts a key from its value; the first one counts. */
  readonly keySeparator?: string | undefined
  /** The key of all records. */
  readonly key?: string | undefined
  /** The text that stands for a null value, and a null key. */
  readonly nullValue?: string | undefined
  readonly headers?: readonly (readonly [name: string, value: string])[]
  readonly partition?: number | undefined
  readonly timestamp?: number | undefined
}

/** Makes lines the records of the NDJSON route, a chunk at a time, and knows which line a record was. */
export class LineEncoder {
  readonly #form: LineForm
  readonly #recordOf: (line: Buffer) => string | undefined
  readonly #separator: Buffer | undefined
  readonly #nullValue: Buffer | undefined
  readonly #splitter = new LineSplitter(MAX_LINE_BYTES)
  readonly #fixedKey: string
  /** What is behind the value of every record. */
  readonly #ending: string
  readonly #tooLong: (line: number) => void
  readonly #noSeparator: (line: number) => void
  #out: string[] = []
  /** Records so far, and lines, from 1. */
  #records = 0
  #lines = 0
  /** From which record on lines run ahead of records, and by how much: lines that were empty or left out. */
  readonly #shifts: { record: number; by: number }[] = []

  constructor(
    form: LineForm,
    refused: { tooLong: (line: number) => void; noSeparator: (line: number) => void },
  ) {
    this.#form = form
    this.#recordOf = form.record ?? ((line) => line.toString('utf8'))
    this.#separator = form.keySeparator === undefined ? undefined : Buffer.from(form.keySeparator)
    this.#nullValue = form.nullValue === undefined ? undefined : Buffer.from(form.nullValue)
    this.#fixedKey = form.key === undefined ? '' : `"key":${JSON.stringify(form.key)},`
    this.#tooLong = refused.tooLong
    this.#noSeparator = refused.noSeparator
    const { headers = [], partition, timestamp } = form
    this.#ending =
      (headers.length === 0
        ? ''
        : `,"headers":${JSON.stringify(headers.map(([name, value]) => ({ name, value })))}`) +
      (partition === undefined ? '' : `,"partition":${partition}`) +
      (timestamp === undefined ? '' : `,"timestamp":${timestamp}`) +
      '}\n'
  }

  /** How many records were made. */
  get records(): number {
    return this.#records
  }

  /** The records of the lines that end in these bytes; empty where none does. */
  push(bytes: Buffer): string {
    this.#splitter.push(bytes, this.#line)
    return this.#take()
  }

  /** The record of a last line without a line feed. */
  end(): string {
    const last = this.#splitter.end()
    if (last !== undefined) this.#line(last)
    return this.#take()
  }

  /** Which line, from 1, the record of an index, from 0, was. */
  lineOf(index: number): number {
    let low = 0
    let high = this.#shifts.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#shifts[middle]!.record <= index) low = middle + 1
      else high = middle
    }
    return index + 1 + (this.#shifts[low - 1]?.by ?? 0)
  }

  #take(): string {
    const text = this.#out.join('')
    this.#out = []
    return text
  }

  readonly #line = (line: Buffer | undefined): void => {
    this.#lines++
    if (line === undefined) {
      this.#tooLong(this.#lines)
      this.#leftOut()
    } else if (this.#form.json) this.#asItIs(line)
    else this.#encode(line)
  }

  #asItIs(line: Buffer): void {
    // The gateway passes over empty lines, and does not count them.
    const isEmpty = skipSpace(line, 0, line.length) === line.length
    const record = isEmpty ? undefined : this.#recordOf(line)
    if (record === undefined) this.#leftOut()
    else this.#add(`${record}\n`)
  }

  #encode(line: Buffer): void {
    let key = this.#fixedKey
    let value = line
    if (this.#separator !== undefined) {
      const at = line.indexOf(this.#separator)
      if (at < 0) {
        this.#noSeparator(this.#lines)
        this.#leftOut()
        return
      }
      key = `${this.#member('key', line.subarray(0, at))},`
      value = line.subarray(at + this.#separator.length)
    }
    this.#add(`{${key}${this.#member('value', value)}${this.#ending}`)
  }

  #member(name: 'key' | 'value', bytes: Buffer): string {
    if (this.#nullValue?.equals(bytes) === true) return `"${name}":null`
    if (isUtf8(bytes)) return `"${name}":${JSON.stringify(bytes.toString('utf8'))}`
    return `"${name}":"${bytes.toString('base64')}","${name}Encoding":"base64"`
  }

  #add(record: string): void {
    this.#out.push(record)
    this.#records++
  }

  #leftOut(): void {
    const by = (this.#shifts.at(-1)?.by ?? 0) + 1
    const last = this.#shifts.at(-1)
    if (last?.record === this.#records) last.by = by
    else this.#shifts.push({ record: this.#records, by })
  }
}
