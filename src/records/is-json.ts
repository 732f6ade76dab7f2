import { scanJson, skipSpace } from './json-scan.ts'
import { isText } from './json-string.ts'

const OPEN_BRACKET = 0x5b
const OPEN_BRACE = 0x7b
const LOWER_N = 0x6e

/** Whether the bytes are one JSON text, with what spaces it has about it: any, any but `null`, or an object or array. */
export function isJson(
  bytes: Buffer,
  start: number,
  end: number,
  kind: 'any' | 'not null' | 'container',
): boolean {
  const first = skipSpace(bytes, start, end)
  if (first === end) return false
  const byte = bytes[first]
  if (
    kind === 'container' ? byte !== OPEN_BRACE && byte !== OPEN_BRACKET : byte === LOWER_N && kind !== 'any'
  )
    return false
  const last = scanJson(bytes, first, undefined, end)
  return last !== -1 && skipSpace(bytes, last, end) === end && isText(bytes, start, end)
}
