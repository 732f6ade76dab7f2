/**
 * A validating scanner of JSON text in bytes. It builds nothing: what it accepts can be copied as it stands, with every
 * digit, escape, space and duplicate member that JSON.parse and JSON.stringify would lose.
 */

const TAB = 0x09
const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d
const SPACE = 0x20
const QUOTE = 0x22
const PLUS = 0x2b
const COMMA = 0x2c
const MINUS = 0x2d
const DOT = 0x2e
const ZERO = 0x30
const COLON = 0x3a
const OPEN_BRACKET = 0x5b
const BACKSLASH = 0x5c
const CLOSE_BRACKET = 0x5d
const LOWER_E = 0x65
const LOWER_F = 0x66
const LOWER_N = 0x6e
const LOWER_T = 0x74
const LOWER_U = 0x75
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d

/** By byte: 1 where it stands for itself in a string, so neither a control character, a quote nor a backslash. */
const plain = Uint8Array.from({ length: 256 }, (_, c) =>
  c < SPACE || c === QUOTE || c === BACKSLASH ? 0 : 1,
)
const notPlain = /[\x00-\x1f\\]/
/** A string is looked at byte by byte for so long; past it natively, up to so many bytes at a time, five times as fast. */
const SHORT = 128
const LONG = 32_768
/** By byte: 1 where it may follow a backslash alone. */
const escapable = Uint8Array.from({ length: 256 }, (_, c) =>
  '"\\/bfnrt'.includes(String.fromCharCode(c)) ? 1 : 0,
)
/** By byte: the value of a hexadecimal digit, 255 for any other byte. */
const hexValue = Uint8Array.from({ length: 256 }, (_, c) =>
  /[0-9A-Fa-f]/.test(String.fromCharCode(c)) ? parseInt(String.fromCharCode(c), 16) : 255,
)

/** The open containers, outermost first: 1 an object, 0 an array. Shared by all calls: none of them waits. */
let objects = new Uint8Array(512)

/**
 * Where the strict RFC 8259 value that starts at `start` (no whitespace before it) ends; -1 where there is none, where
 * it reaches past `end`, or where it nests deeper than `maxDepth` (a scalar is 0 deep, `[]` is 1).
 * The bytes must be valid UTF-8: that is isUtf8's to check. Escapes of lone surrogates pass, as they do in JSON.parse.
 */
export function scanJson(bytes: Buffer, start: number, maxDepth = 500, end = bytes.length): number {
  let i = start
  let depth = 0
  for (;;) {
    // A value must start at i.
    if (i >= end) return -1
    const c = bytes[i]!
    if (c === QUOTE) {
      i = scanString(bytes, i + 1, end)
    } else if (c === OPEN_BRACE || c === OPEN_BRACKET) {
      if (depth >= maxDepth) return -1
      const isObject = c === OPEN_BRACE
      i = skipSpace(bytes, i + 1, end)
      if (i < end && bytes[i] === (isObject ? CLOSE_BRACE : CLOSE_BRACKET)) {
        i++
      } else {
        if (depth === objects.length) objects = growObjects()
        objects[depth++] = isObject ? 1 : 0
        if (isObject) i = scanName(bytes, i, end)
        if (i < 0) return -1
        continue
      }
    } else if (c === MINUS || (c >= ZERO && c < COLON)) {
      i = scanNumber(bytes, i, end)
    } else {
      i = scanLiteral(bytes, i, end)
    }
    if (i < 0) return -1
    // A value ended at i. Close what ends with it, up to the comma before the next.
    for (;;) {
      if (depth === 0) return i
      i = skipSpace(bytes, i, end)
      if (i >= end) return -1
      const isObject = objects[depth - 1] === 1
      const next = bytes[i++]
      if (next === COMMA) {
        i = skipSpace(bytes, i, end)
        if (isObject) i = scanName(bytes, i, end)
        if (i < 0) return -1
        break
      }
      if (next !== (isObject ? CLOSE_BRACE : CLOSE_BRACKET)) return -1
      depth--
    }
  }
}

/**
 * Whether valid JSON text in `bytes[start, end)` holds a \u escape of half a surrogate pair: text that no UTF-8 can
 * carry, which parsers keep, replace or refuse each in their own way.
 */
export function hasLoneSurrogateEscape(bytes: Buffer, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    if (bytes[i] !== BACKSLASH) continue
    if (bytes[++i] !== LOWER_U) continue
    const unit = readHex4(bytes, i + 1)
    i += 4
    if ((unit & 0xf800) !== 0xd800) continue
    const isHigh = unit < 0xdc00
    if (!isHigh || i + 6 >= end || bytes[i + 1] !== BACKSLASH || bytes[i + 2] !== LOWER_U) return true
    if ((readHex4(bytes, i + 3) & 0xfc00) !== 0xdc00) return true
    i += 6
  }
  return false
}

/** The first byte at or after `i` that isn't whitespace. */
export function skipSpace(bytes: Buffer, i: number, end: number): number {
  for (; i < end; i++) {
    const c = bytes[i]!
    if (c > SPACE || (c !== SPACE && c !== LINE_FEED && c !== TAB && c !== CARRIAGE_RETURN)) break
  }
  return i
}

/** From after the opening quote to after the closing one, or -1. */
function scanString(bytes: Buffer, i: number, end: number): number {
  for (;;) {
    const stop = Math.min(end, i + SHORT)
    while (i < stop && plain[bytes[i]!] === 1) i++
    if (i >= end) return -1
    if (i === stop) {
      i = skipPlain(bytes, i, end)
      continue
    }
    const c = bytes[i++]
    if (c === QUOTE) return i
    if (c !== BACKSLASH || i >= end) return -1
    const escape = bytes[i++]!
    if (escape === LOWER_U) {
      if (i + 4 > end || readHex4(bytes, i) < 0) return -1
      i += 4
    } else if (escapable[escape] === 0) {
      return -1
    }
  }
}

/** The first byte at or after `i` that doesn't stand for itself in a string, found natively, in ever longer stretches. */
function skipPlain(bytes: Buffer, i: number, end: number): number {
  for (let size = SHORT; i < end; size = Math.min(size * 4, LONG)) {
    const to = Math.min(end, i + size)
    const quote = bytes.subarray(i, to).indexOf(QUOTE)
    const special = bytes.toString('latin1', i, quote < 0 ? to : i + quote).search(notPlain)
    if (special >= 0) return i + special
    if (quote >= 0) return i + quote
    i = to
  }
  return i
}

/** A member's name, the colon and the spaces about it; the index of its value, or -1. */
function scanName(bytes: Buffer, i: number, end: number): number {
  if (i >= end || bytes[i] !== QUOTE) return -1
  i = scanString(bytes, i + 1, end)
  if (i < 0) return -1
  i = skipSpace(bytes, i, end)
  if (i >= end || bytes[i] !== COLON) return -1
  return skipSpace(bytes, i + 1, end)
}

function scanNumber(bytes: Buffer, i: number, end: number): number {
  if (bytes[i] === MINUS) i++
  if (i < end && bytes[i] === ZERO) i++
  else if ((i = scanDigits(bytes, i, end)) < 0) return -1
  if (i < end && bytes[i] === DOT && (i = scanDigits(bytes, i + 1, end)) < 0) return -1
  if (i < end && (bytes[i]! | 0x20) === LOWER_E) {
    i++
    if (i < end && (bytes[i] === PLUS || bytes[i] === MINUS)) i++
    i = scanDigits(bytes, i, end)
  }
  return i
}

/** One digit or more; -1 where there is none. */
function scanDigits(bytes: Buffer, i: number, end: number): number {
  const first = i
  while (i < end && bytes[i]! >= ZERO && bytes[i]! < COLON) i++
  return i === first ? -1 : i
}

function scanLiteral(bytes: Buffer, i: number, end: number): number {
  const c = bytes[i]
  const text = c === LOWER_T ? 'true' : c === LOWER_F ? 'false' : c === LOWER_N ? 'null' : ''
  if (text === '' || i + text.length > end) return -1
  for (let n = 1; n < text.length; n++) if (bytes[i + n] !== text.charCodeAt(n)) return -1
  return i + text.length
}

/** Four hexadecimal digits as a number; negative where one isn't. The caller has checked that there are four bytes. */
function readHex4(bytes: Buffer, i: number): number {
  const a = hexValue[bytes[i]!]!
  const b = hexValue[bytes[i + 1]!]!
  const c = hexValue[bytes[i + 2]!]!
  const d = hexValue[bytes[i + 3]!]!
  return (a | b | c | d) > 15 ? -1 : (a << 12) | (b << 8) | (c << 4) | d
}

function growObjects(): Uint8Array<ArrayBuffer> {
  const grown = new Uint8Array(objects.length * 2)
  grown.set(objects)
  return grown
}
