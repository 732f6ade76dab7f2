import { isUtf8 } from 'node:buffer'
import { Problem } from '../problems/problem.ts'
import { pointerToken } from './json-pointer.ts'
import { scanJson, skipSpace } from './json-scan.ts'
import { NameSet, type Span, walkObject } from './json-walk.ts'

const OPEN_BRACE = 0x7b

/**
 * The members of the one JSON object that the bytes hold, by name, unread.
 * @throws Problem malformed_json; invalid_request where it is no object or names a member twice
 */
export function frameMembers(bytes: Buffer): ReadonlyMap<string, Span> {
  const members = new Map<string, Span>()
  const names = new NameSet()
  let twice: string | undefined
  const start = skipSpace(bytes, 0, bytes.length)
  const isObject = bytes[start] === OPEN_BRACE
  const end = isObject
    ? walkObject(bytes, start, (name, value) => {
        const valueEnd = scanJson(bytes, value)
        if (!names.add(name)) twice ??= name
        members.set(name, { start: value, end: valueEnd })
        return valueEnd
      })
    : scanJson(bytes, start)
  if (end < 0 || skipSpace(bytes, end, bytes.length) !== bytes.length || !isUtf8(bytes)) {
    throw new Problem('malformed_json', { detail: 'The message is not one complete JSON document.' })
  }
  if (!isObject) throw new Problem('unknown_type', { detail: 'A message is a JSON object with a `type`.' })
  if (twice !== undefined) {
    const name = twice.slice(0, 64).toWellFormed()
    throw new Problem('invalid_request', {
      detail: `The member ${name} is given twice.`,
      errors: [{ pointer: `/${pointerToken(name)}`, reason: 'given twice' }],
    })
  }
  return members
}
