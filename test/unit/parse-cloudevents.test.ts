import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Problem } from '../../src/problems/problem.ts'
import { valueFault } from '../../src/records/cloudevent-attributes.ts'
import { parseEvent, parseEventBatch } from '../../src/records/parse-cloudevents.ts'
import { isJson } from '../support/is-json.ts'

const required = '"specversion":"1.0","id":"1","source":"/a","type":"t"'
const pieces = [
  ...'"\\{}[],:.-+eE01 tfnu\n\u0001=A/',
  '"data":1,',
  '"data_base64":"AA==",',
  '"datacontenttype":"text/plain",',
  '"time":null,',
  '"\\udc00"',
  '"__proto__":"1",',
  '"Id":"2",',
]
/** Events, and what is left of them when something is put in or cut out. */
const texts = fc
  .tuple(
    fc.constantFrom(`{${required}}`, `{ ${required}, "data" : [1.0, "a"] ,"x":true}`, `{${required},"n":-7}`),
    fc.nat(),
    fc.constantFrom(...pieces),
    fc.nat({ max: 3 }),
  )
  .map(([text, at, piece, cut]) => {
    const places = [...text.matchAll(/[{[,]/g)].map(({ index }) => index + 1)
    const i = at % 2 === 0 ? at % (text.length + 1) : places[at % places.length]!
    return text.slice(0, i) + (cut === 0 ? '' : piece) + text.slice(i + (cut === 3 ? piece.length : cut))
  })

function codeOf(run: () => unknown): string {
  try {
    run()
    return 'taken'
  } catch (error) {
    if (error instanceof Problem) return error.code
    throw error
  }
}

describe('parseEvent', () => {
  it('takes an event or refuses it with a problem, malformed_json where and only where it is no JSON', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const bytes = Buffer.from(text)
        const code = codeOf(() => parseEvent(bytes))
        expect(['taken', 'invalid_event', 'malformed_json']).toContain(code)
        expect(code === 'malformed_json').toBe(!isJson(text))
        if (code !== 'malformed_json')
          expect(codeOf(() => parseEventBatch(Buffer.from(`[${text}]`), 10))).toBe(code)
        if (code !== 'taken') return
        const event = JSON.parse(text) as Record<string, unknown>
        for (const name of ['id', 'source', 'type']) expect(event[name]).toEqual(expect.stringMatching(/./))
        expect(event.specversion).toBe('1.0')
      }),
      { numRuns: 5_000 },
    )
  })

  it('stays within the records a request may hold, and the attributes an event may have', () => {
    expect(codeOf(() => parseEventBatch(Buffer.from('[{},{},{}]'), 2))).toBe('too_many_records')
    const many = Array.from({ length: 1_100 }, (_, n) => `"x${n}":${n}`).join(',')
    expect(codeOf(() => parseEvent(Buffer.from(`{${required},${many}}`)))).toBe('invalid_event')
    expect(codeOf(() => parseEvent(Buffer.from(`{${required},"data":${'['.repeat(600)}`)))).toBe(
      'malformed_json',
    )
  })
})

describe('valueFault', () => {
  it.each([
    ['time', ['2026-01-31T09:30:00Z', '2024-02-29t23:59:60.123456789+14:00', '0001-01-01T00:00:00-00:00']],
    [
      'source',
      ['/a', 'a', 'urn:uuid:6e8bc430', 'https://a.b/c?d=e#f', 'mailto:a@b', '1-555-123-4567', '#x', '//h/'],
    ],
    ['dataschema', ['https://a.b/c.json', 'urn:x:y']],
    ['datacontenttype', ['application/json', 'TEXT/Plain; CharSet=utf-8', 'a/b+c;d="e"']],
    ['id', ['é', ' ', '0']],
    ['anything', ['', '\u{1F600}', '\u00a0']],
  ])('finds nothing wrong with %s', (name, values) => {
    for (const value of values) expect([value, valueFault(name, value)]).toEqual([value, undefined])
  })

  it.each([
    [
      'time',
      [
        '',
        '2026-01-31',
        '2026-01-31T09:30:00',
        '2026-02-29T00:00:00Z',
        '2026-01-31T24:00:00Z',
        '2026-01-31T09:30Z',
      ],
    ],
    ['source', ['', 'a b', 'é', '%zz', '1:a', 'a#b#c', 'a"b', '<a>']],
    ['dataschema', ['', '/a', 'a', '1x:y']],
    ['datacontenttype', ['', 'json', 'a/', '/b', 'a b/c']],
    ['id', ['', '\n', '\u0085', '\ufffe', '\ud800']],
    ['specversion', ['', '1', '0.3', '1.1']],
  ])('finds something wrong with %s', (name, values) => {
    for (const value of values) expect([value, valueFault(name, value)]).toEqual([value, expect.any(String)])
  })
})
