import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hasLoneSurrogateEscape, scanJson, skipSpace } from '../../src/records/json-scan.ts'
import { isJson } from '../support/is-json.ts'

/** Whether the whole text is one JSON value, by our scanner. */
function accepts(text: string, maxDepth?: number): boolean {
  const bytes = Buffer.from(text)
  const start = skipSpace(bytes, 0, bytes.length)
  const end = scanJson(bytes, start, maxDepth)
  return end !== -1 && skipSpace(bytes, end, bytes.length) === bytes.length
}

/** JSON text with the spaces, escapes and number forms that JSON.stringify never writes. */
const jsonText: fc.Arbitrary<string> = fc.letrec<{ value: string }>((tie) => {
  const space = fc.constantFrom('', '', ' ', '\n', '\t\r ')
  const char = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 4 }).map((s) => JSON.stringify(s).slice(1, -1)),
    fc.constantFrom('\\u0000', '\\uD83D\\ude00', '\\ud800', '\\/', '\\"', '\\\\', '\\b', '\u007f', '\u2028'),
  )
  const string = fc.array(char, { maxLength: 5 }).map((chars) => `"${chars.join('')}"`)
  const number = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
    fc.bigInt().map(String),
    fc.constantFrom('0', '-0', '1E5', '1e+05', '0.10e-3', '1e400', '9007199254740993'),
  )
  const list = (item: fc.Arbitrary<string>) => fc.array(item, { maxLength: 4 })
  const member = fc.tuple(space, string, space, space, tie('value'), space)
  return {
    value: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      fc.constantFrom('true', 'false', 'null'),
      number,
      string,
      fc.tuple(space, list(fc.tuple(space, tie('value'), space).map((p) => p.join('')))).map(([s, items]) => {
        return items.length === 0 ? `[${s}]` : `[${items.join(',')}]`
      }),
      fc
        .tuple(space, list(member.map(([a, n, b, c, v, d]) => `${a}${n}${b}:${c}${v}${d}`)))
        .map(([s, items]) => {
          return items.length === 0 ? `{${s}}` : `{${items.join(',')}}`
        }),
    ),
  }
}).value

/** A text with one character taken out, put in or changed: mostly invalid, and close to valid. */
const mutated = fc
  .tuple(jsonText, fc.nat(), fc.constantFrom(...'"\\{}[],:.-+eE0123456789 tfnu\n\u0001\u0000xé'), fc.nat(2))
  .map(([text, at, char, kind]) => {
    const i = at % (text.length + 1)
    return text.slice(0, i) + (kind === 0 ? '' : char) + text.slice(i + (kind === 1 ? 0 : 1))
  })

describe('scanJson', () => {
  it('accepts exactly what JSON.parse accepts', () => {
    fc.assert(
      fc.property(fc.oneof(jsonText, mutated, fc.string()), (text) => {
        expect(accepts(text)).toBe(isJson(text))
      }),
      { numRuns: 20_000 },
    )
  })

  it('does so wherever in a long string something special stands', () => {
    const special = fc.constantFrom('"', '\\', '\\n', '\\"', '\\u00e9', '\n', '\u0000', '\u001f', 'é💥')
    const plain = fc.integer({ min: 0, max: 700 }).map((length) => 'x'.repeat(length))
    const text = fc.array(fc.tuple(plain, special), { maxLength: 4 }).map((parts) => parts.flat().join(''))
    fc.assert(
      fc.property(text, plain, fc.constantFrom('"', '', '"]'), (body, tail, end) => {
        expect(accepts(`"${body}${tail}${end}`)).toBe(isJson(`"${body}${tail}${end}`))
        expect(accepts(`["${body}${tail}${end}`)).toBe(isJson(`["${body}${tail}${end}`))
      }),
      { numRuns: 5_000 },
    )
  })

  it('ends at the end of the first value, whatever follows it', () => {
    fc.assert(
      fc.property(jsonText, fc.constantFrom(',1', ']', '}', ' {', '\n"x'), (text, rest) => {
        const bytes = Buffer.from(`##${text}${rest}`)
        expect(scanJson(bytes, 2)).toBe(bytes.length - Buffer.byteLength(rest))
      }),
    )
  })

  it('never looks past the end it is given', () => {
    fc.assert(
      fc.property(jsonText, fc.nat(), (text, at) => {
        const bytes = Buffer.from(text)
        const cut = at % bytes.length
        const inOwnBuffer = scanJson(Buffer.from(bytes.subarray(0, cut)), 0)
        expect(scanJson(bytes, 0, 500, cut)).toBe(inOwnBuffer)
      }),
      { numRuns: 5_000 },
    )
  })

  it.each([
    '',
    '01',
    '1.',
    '.5',
    '+1',
    '-',
    '1e',
    '0x10',
    'NaN',
    'Infinity',
    "'a'",
    '[1,]',
    '{"a":1,}',
    '"\t"',
  ])('refuses %j', (text) => expect(accepts(text)).toBe(false))

  it('takes no whitespace before the value: the caller knows where it starts', () => {
    expect(scanJson(Buffer.from(' 1'), 0)).toBe(-1)
  })

  it('accepts maxDepth levels and refuses one more, without recursion', () => {
    const nest = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)
    expect(accepts(nest(500))).toBe(true)
    expect(accepts(nest(501))).toBe(false)
    expect(accepts('{"a":[1]}', 2)).toBe(true)
    expect(accepts('{"a":[1]}', 1)).toBe(false)
    expect(accepts('1', 0)).toBe(true)
    expect(accepts(nest(1_000_000), 1_000_000)).toBe(true)
    expect(accepts('{"a":'.repeat(100_000), 1_000_000)).toBe(false)
  })
})

describe('hasLoneSurrogateEscape', () => {
  const unit = fc.constantFrom(
    '\\ud800',
    '\\uDBFF',
    '\\udc00',
    '\\uDFFF',
    '\\u0041',
    '\\\\',
    'u',
    'd800',
    '\\n',
    'x',
  )
  it('is true exactly where the parsed string is not well formed', () => {
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 8 }), (units) => {
        const text = `"${units.join('')}"`
        const bytes = Buffer.from(text)
        const parsed = JSON.parse(text) as string
        // A backslash escape before plain digits can only have been written by us, so parsing is the oracle.
        expect(hasLoneSurrogateEscape(bytes, 0, bytes.length)).toBe(!parsed.isWellFormed())
      }),
      { numRuns: 5_000 },
    )
  })
})
