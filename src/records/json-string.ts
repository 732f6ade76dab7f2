import { isUtf8 } from 'node:buffer'
import type { ByteWriter } from './byte-writer.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const LOWER_U = 0x75
const ZERO = 0x30

/** By byte: what follows the backslash in a JSON string, 0 where the byte stands for itself, `u` for \u00XX. */
const escapes = new Uint8Array(256).fill(LOWER_U, 0, 0x20)
for (const [char, letter] of Object.entries({
  '\b': 'b',
  '\t': 't',
  '\n': 'n',
  '\f': 'f',
  '\r': 'r',
  '"': '"',
  '\\': '\\',
})) {
  escapes[char.charCodeAt(0)] = letter.charCodeAt(0)
}
/** By byte: how many bytes longer its escape is; 128 for bytes that are no ASCII, to be told apart in a sum of bits. */
const growth = escapes.map((letter, byte) =>
  byte > 0x7f ? 0x80 : letter === 0 ? 0 : letter === LOWER_U ? 5 : 1,
)
const hexDigits = Buffer.from('0123456789abcdef')

/** Whether bytes are UTF-8. Most text is ASCII, which a loop over a few bytes finds faster than a call does. */
export function isText(bytes: Buffer, start: number, end: number): boolean {
  if (end - start < 64) {
    let bits = 0
    for (let i = start; i < end; i++) bits |= bytes[i]!
    if (bits < 0x80) return true
  }
  return isUtf8(bytes.subarray(start, end))
}

/** Writes bytes as a JSON string; answers false, having written nothing, where they aren't UTF-8. */
export function writeJsonString(out: ByteWriter, bytes: Buffer, start: number, end: number): boolean {
  let extra = 0
  let bits = 0
  for (let i = start; i < end; i++) {
    const grows = growth[bytes[i]!]!
    bits |= grows
    extra += grows & 0x7f
  }
  if (bits >= 0x80 && !isUtf8(bytes.subarray(start, end))) return false
  out.reserve(end - start + extra + 2)
  out.bytes[out.length++] = QUOTE
  if (extra === 0) out.copy(bytes, start, end)
  else writeEscaped(out, bytes, start, end)
  out.bytes[out.length++] = QUOTE
  return true
}

/** Into room that has been reserved. */
function writeEscaped(out: ByteWriter, bytes: Buffer, start: number, end: number): void {
  const to = out.bytes
  let at = out.length
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!
    const letter = escapes[byte]!
    if (letter === 0) {
      to[at++] = byte
      continue
    }
    to[at++] = BACKSLASH
    to[at++] = letter
    if (letter !== LOWER_U) continue
    to[at++] = ZERO
    to[at++] = ZERO
    to[at++] = hexDigits[byte >> 4]!
    to[at++] = hexDigits[byte & 15]!
  }
  out.length = at
}

/** Writes bytes as a JSON string of base64 (RFC 4648, section 4). */
export function writeBase64(out: ByteWriter, bytes: Buffer, start: number, end: number): void {
  out.reserve(Math.ceil((end - start) / 3) * 4 + 2)
  out.bytes[out.length++] = QUOTE
  out.ascii(bytes.toString('base64', start, end))
  out.bytes[out.length++] = QUOTE
}
