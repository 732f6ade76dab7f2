import { Problem } from '../problems/problem.ts'
import { isJson } from './is-json.ts'
import { hasLoneSurrogateEscape, scanJson, skipSpace } from './json-scan.ts'
import { jsonString, walkArray, walkObject } from './json-walk.ts'

const QUOTE = 0x22
const OPEN_BRACKET = 0x5b
const LOWER_N = 0x6e
const OPEN_BRACE = 0x7b

/** A name as a token of a pointer: RFC 6901's escapes, for the few that need them. */
export function pointerToken(name: string): string {
  if (!name.includes('~') && !name.includes('/')) return name
  return name.replaceAll('~', '~0').replaceAll('/', '~1')
}

/** The tokens of an RFC 6901 pointer, undefined where it is not written as one. */
export function pointerTokens(pointer: string): string[] | undefined {
  if (!/^(?:\/(?:[^~/]|~[01])*)*$/.test(pointer)) return undefined
  const [, ...tokens] = pointer.split('/')
  return tokens.map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))
}

/**
 * The key that a pointer's tokens find in a JSON body: the text of a string, the digits of a number as they were sent,
 * `true` or `false`. Nothing, null, an object or an array is no key, and neither is one of two members of the same name.
 * @throws Problem malformed_json, invalid_request
 */
export function keyAt(body: Buffer, tokens: readonly string[], pointer: string): Buffer {
  if (!isJson(body, 0, body.length, 'any')) {
    throw new Problem('malformed_json', {
      detail:
        'keyPointer looks for the key in a JSON body, and the body is not one complete JSON document in UTF-8.',
    })
  }
  let at = skipSpace(body, 0, body.length)
  for (const token of tokens) {
    const found = step(body, at, token)
    if (found.length === 0) throw noKey(pointer, 'the body has nothing there')
    if (found.length > 1) throw noKey(pointer, `${JSON.stringify(token)} is named twice on the way`)
    at = found[0]!
  }
  const first = body[at]
  if (first === LOWER_N) throw noKey(pointer, 'it is null')
  if (first === OPEN_BRACE || first === OPEN_BRACKET) throw noKey(pointer, 'it is an object or an array')
  const end = scanJson(body, at)
  if (first !== QUOTE) return body.subarray(at, end)
  if (hasLoneSurrogateEscape(body, at, end)) throw noKey(pointer, 'it holds half of a surrogate pair')
  return Buffer.from(jsonString(body, at, end))
}

/** Where in an object or array the values of a token start. */
function step(body: Buffer, at: number, token: string): number[] {
  const found: number[] = []
  if (body[at] === OPEN_BRACE) {
    walkObject(body, at, (name, value) => {
      if (name === token) found.push(value)
      return scanJson(body, value)
    })
  } else if (body[at] === OPEN_BRACKET && /^(?:0|[1-9]\d*)$/.test(token)) {
    walkArray(body, at, (element, index) => {
      if (String(index) === token) found.push(element)
      return scanJson(body, element)
    })
  }
  return found
}

function noKey(pointer: string, reason: string): Problem {
  return new Problem('invalid_request', {
    detail: `There is no key at ${pointer === '' ? 'the whole body' : pointer}: ${reason}.`,
    errors: [{ pointer, reason }],
  })
}
