import { describe, expect, it } from 'vitest'
import type { Problem } from '../../src/problems/problem.ts'
import { keyAt, pointerTokens } from '../../src/records/json-pointer.ts'

function keyOf(json: string | Buffer, pointer: string): string {
  try {
    return keyAt(Buffer.from(json), pointerTokens(pointer)!, pointer).toString()
  } catch (error) {
    return `${(error as Problem).code}: ${(error as Problem).message}`
  }
}

describe('a key by JSON pointer', () => {
  // RFC 6901, section 5, with scalars where the RFC has a whole document or an array.
  const document = `{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\\\j":5,"k\\"l":6," ":7,"m~n":8}`

  it.each([
    ['/foo/0', 'bar'],
    ['/', '0'],
    ['/a~1b', '1'],
    ['/c%d', '2'],
    ['/e^f', '3'],
    ['/g|h', '4'],
    ['/i\\j', '5'],
    ['/k"l', '6'],
    ['/ ', '7'],
    ['/m~0n', '8'],
  ])('is found as the RFC has it: %s', (pointer, key) => expect(keyOf(document, pointer)).toBe(key))

  it.each([
    ['12345678901234567890', '12345678901234567890'],
    ['-0.10e+1', '-0.10e+1'],
    ['true', 'true'],
    ['"\\u00e9\\n\\ud83d\\udca5"', 'é\n💥'],
    ['""', ''],
    [' "x" ', 'x'],
  ])('is the text of a string, the digits of a number as sent: %s', (value, key) => {
    expect(keyOf(`{"a":{"k":${value}}}`, '/a/k')).toBe(key)
    expect(keyOf(value, '')).toBe(key)
  })

  it.each([
    ['{"a":null}', '/a', 'it is null'],
    ['{"a":{}}', '/a', 'it is an object or an array'],
    ['{"a":[]}', '/a', 'it is an object or an array'],
    ['{"b":1}', '/a', 'the body has nothing there'],
    ['{"a":"text"}', '/a/0', 'the body has nothing there'],
    ['{"a":[1]}', '/a/1', 'the body has nothing there'],
    ['{"a":[1]}', '/a/-', 'the body has nothing there'],
    ['{"a":[1]}', '/a/00', 'the body has nothing there'],
    ['{"a":1,"\\u0061":2}', '/a', '"a" is named twice on the way'],
    ['{"a":"\\ud800"}', '/a', 'it holds half of a surrogate pair'],
  ])('is none in %s at %s: %s', (json, pointer, reason) => {
    expect(keyOf(json, pointer)).toBe(`invalid_request: There is no key at ${pointer}: ${reason}.`)
  })

  it.each([['{"a":1'], ['{"a":1} x'], [''], ['a=1'], [Buffer.from([0x22, 0xff, 0x22])]])(
    'is not looked for in what is no JSON: %s',
    (body) => expect(keyOf(body, '/a')).toMatch(/^malformed_json: /),
  )

  it.each(['a', '/~', '/~2', 'a/b', '#/a'])('is not named by %s', (pointer) => {
    expect(pointerTokens(pointer)).toBeUndefined()
  })
})
