import { scanJson, skipSpace } from './json-scan.ts'

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const CLOSE_BRACKET = 0x5d
const CLOSE_BRACE = 0x7d

/** Where a value stands in the bytes. */
export interface Span {
  readonly start: number
  readonly end: number
}

/**
 * Walks the members of the JSON object that starts at `start`. `visit` takes each member's name and where its value
 * starts, and returns where that ends, or -1 where it is malformed. Returns where the object ends, or -1 as well.
 */
export function walkObject(
  bytes: Buffer,
  start: number,
  visit: (name: string, value: number) => number,
): number {
  const length = bytes.length
  let i = skipSpace(bytes, start + 1, length)
  if (bytes[i] === CLOSE_BRACE) return i + 1
  for (;;) {
    if (bytes[i] !== QUOTE) return -1
    const nameEnd = scanJson(bytes, i)
    if (nameEnd < 0) return -1
    const name = jsonString(bytes, i, nameEnd)
    i = skipSpace(bytes, nameEnd, length)
    if (bytes[i] !== COLON) return -1
    i = visit(name, skipSpace(bytes, i + 1, length))
    if (i < 0) return -1
    i = skipSpace(bytes, i, length)
    const next = bytes[i]
    if (next === CLOSE_BRACE) return i + 1
    if (next !== COMMA) return -1
    i = skipSpace(bytes, i + 1, length)
  }
}

/** Walks the elements of the JSON array that starts at `start`, as walkObject does. */
export function walkArray(
  bytes: Buffer,
  start: number,
  visit: (element: number, index: number) => number,
): number {
  const length = bytes.length
  let i = skipSpace(bytes, start + 1, length)
  if (bytes[i] === CLOSE_BRACKET) return i + 1
  for (let index = 0; ; index++) {
    i = visit(i, index)
    if (i < 0) return -1
    i = skipSpace(bytes, i, length)
    const next = bytes[i]
    if (next === CLOSE_BRACKET) return i + 1
    if (next !== COMMA) return -1
    i = skipSpace(bytes, i + 1, length)
  }
}

/** The text of a valid JSON string in `bytes[start, end)`. PHP for one writes a slash as \/, also in base64. */
export function jsonString(bytes: Buffer, start: number, end: number): string {
  const raw = bytes.toString('utf8', start + 1, end - 1)
  return raw.includes('\\') ? (JSON.parse(`"${raw}"`) as string) : raw
}

/** The names met in one object: a list while there are few, as there nearly always are. */
export class NameSet {
  readonly #few: string[] = []
  #many: Set<string> | undefined

  /** False where it is there already. */
  add(name: string): boolean {
    if (this.#many === undefined) {
      if (this.#few.includes(name)) return false
      this.#few.push(name)
      if (this.#few.length === 16) this.#many = new Set(this.#few)
      return true
    }
    const before = this.#many.size
    return this.#many.add(name).size > before
  }

  has(name: string): boolean {
    return this.#many?.has(name) ?? this.#few.includes(name)
  }
}
