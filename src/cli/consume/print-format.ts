import { UsageError } from '../errors.ts'
import type { HeaderEntry, TextRecord } from './frames.ts'

type Part = string | Buffer

/** What is printed of records: text, and bytes where a key or value is none. */
export class Printout {
  readonly #pieces: Buffer[] = []
  #text = ''

  add(part: Part): void {
    if (typeof part === 'string') {
      this.#text += part
      return
    }
    this.#pieces.push(Buffer.from(this.#text), part)
    this.#text = ''
  }

  /** What was added, to be written at once. */
  take(): string | Buffer {
    if (this.#pieces.length === 0) return this.#text
    return Buffer.concat([...this.#pieces, Buffer.from(this.#text)])
  }
}

/** Prints one record. */
export type PrintRecord = (record: TextRecord, out: Printout) => void

export interface LineOptions {
  /** Between key and value; undefined prints no keys. */
  readonly keySeparator?: string | undefined
  readonly timestamp: boolean
  readonly nullText: string
  readonly delimiter: string
}

/** A record a line: its value, with its time and key before it where that is asked for. */
export function linePrinter({ keySeparator, timestamp, nullText, delimiter }: LineOptions): PrintRecord {
  return (record, out) => {
    if (timestamp) out.add(`${new Date(record.timestamp).toISOString()}\t`)
    if (keySeparator !== undefined) {
      out.add(keyOf(record) ?? nullText)
      out.add(keySeparator)
    }
    out.add(valueOf(record) ?? nullText)
    out.add(delimiter)
  }
}

/**
 * kcat's -f: %s or %v value, %k key, %S and %K their lengths in bytes (-1 for null), %t topic, %p partition, %o offset,
 * %T milliseconds, %h headers, %% a percent sign; \n \r \t \\ \0 \xNN.
 * @throws UsageError
 */
export function formatPrinter(
  format: string,
  { nullText, delimiter }: Pick<LineOptions, 'nullText' | 'delimiter'>,
): PrintRecord {
  const tokens: Record<string, (record: TextRecord) => Part> = {
    s: (record) => valueOf(record) ?? nullText,
    v: (record) => valueOf(record) ?? nullText,
    k: (record) => keyOf(record) ?? nullText,
    S: (record) => lengthOf(valueOf(record)),
    K: (record) => lengthOf(keyOf(record)),
    t: ({ topic }) => topic,
    p: ({ partition }) => String(partition),
    o: ({ offset }) => String(offset),
    T: ({ timestamp }) => String(timestamp),
    h: ({ headers }) => headersText(headers),
    '%': () => '%',
  }
  const parts = [...format.matchAll(/%(.?)|[^%]+/gs)].map(([text, token]): ((record: TextRecord) => Part) => {
    if (token === undefined) {
      const plain = unescaped(text)
      return () => plain
    }
    const part = tokens[token]
    if (part === undefined) {
      throw new UsageError(`--format: there is no %${token}`, 'There are %s %k %S %K %t %p %o %T %h and %%.')
    }
    return part
  })
  // A line a record, also for who has not written the line feed that kcat wants.
  const ending = unescaped(format).endsWith(delimiter) ? '' : delimiter
  return (record, out) => {
    for (const part of parts) out.add(part(record))
    out.add(ending)
  }
}

/** Text with its backslash escapes carried out. */
export function unescaped(text: string): string {
  const plain: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '0': '\0', '\\': '\\' }
  return text.replace(/\\(?:x([0-9A-Fa-f]{2})|([nrt0\\]))/g, (_, hex: string | undefined, letter: string) =>
    hex === undefined ? plain[letter]! : String.fromCharCode(parseInt(hex, 16)),
  )
}

function valueOf({ value, valueEncoding }: TextRecord): Part | null {
  return value === null || valueEncoding === undefined ? value : Buffer.from(value, 'base64')
}

function keyOf({ key, keyEncoding }: TextRecord): Part | null {
  return key === null || keyEncoding === undefined ? key : Buffer.from(key, 'base64')
}

function lengthOf(part: Part | null): string {
  if (part === null) return '-1'
  return String(typeof part === 'string' ? Buffer.byteLength(part) : part.length)
}

function headersText(headers: TextRecord['headers']): string {
  const entries = Array.isArray(headers)
    ? (headers as readonly HeaderEntry[])
    : Object.entries(headers as Readonly<Record<string, string>>).map(([name, value]) => ({ name, value }))
  return entries.map(({ name, value }) => `${name}=${value ?? 'NULL'}`).join(',')
}
