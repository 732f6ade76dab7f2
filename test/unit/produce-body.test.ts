import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { Problem } from '../../src/problems/problem.ts'
import { parseProduceBody, type ProduceBody } from '../../src/records/produce-body.ts'
import { OutgoingRecordBody, ProduceBatchBody } from '../../src/routes/records/produce-schemas.ts'
import { isJson } from '../support/is-json.ts'
import { documents, mutations } from '../support/produce-documents.ts'

/** Documents made up; more of them for a deep run. */
const RUNS = Number(process.env.TEST_PRODUCE_BODY_RUNS ?? 6_000)

function parse(text: string | Buffer, maxRecords = 1_000): ProduceBody {
  return parseProduceBody(Buffer.from(text as string), maxRecords)
}

function refusal(text: string | Buffer, maxRecords?: number): Problem {
  try {
    parse(text, maxRecords)
  } catch (error) {
    if (error instanceof Problem) return error
    throw error
  }
  throw new Error('it was accepted')
}

/** What a Problem says: its code and the pointers of its faults. */
function faults(text: string | Buffer, maxRecords?: number): [string, ...string[]] {
  const { code, options } = refusal(text, maxRecords)
  return [code, ...(options.errors ?? []).map((error) => error.pointer ?? '')]
}

/**
 * Whether the documented schema takes a text. What it does not say, and the parser's documentation does: integers are in plain
 * digits, base64 is base64, no text holds half a surrogate pair, header names hold no control characters.
 */
function documented(text: string): boolean {
  let value: unknown
  try {
    value = JSON.parse(text, plainDigits as (this: unknown, key: string, value: unknown) => unknown)
  } catch {
    return false
  }
  // Of the value itself, not of what the schema gives back: that leaves a header named __proto__ out.
  if (ProduceBatchBody.safeParse(value).success) return (value as { records: Sent[] }).records.every(isSound)
  return OutgoingRecordBody.safeParse(value).success && isSound(value as Sent)
}

function plainDigits(key: string, value: unknown, { source = '' }: { source?: string }): unknown {
  const isInteger = key === 'partition' || key === 'timestamp'
  return isInteger && typeof value === 'number' && !/^\d+$/.test(source) ? -1 : value
}

type Sent = z.output<typeof OutgoingRecordBody>

function isSound({ key, keyEncoding, value, valueEncoding, headers }: Sent): boolean {
  const list: {
    name: string
    nameEncoding?: 'base64' | null | undefined
    value: unknown
    encoding?: 'base64' | null | undefined
  }[] = Array.isArray(headers)
    ? headers
    : Object.entries(headers ?? {}).map(([name, value]) => ({ name, value }))
  return (
    isContent(key, keyEncoding) &&
    isContent(value, valueEncoding) &&
    list.every(({ name, nameEncoding, value, encoding }) => {
      const bytes = Buffer.from(name, nameEncoding ?? 'utf8')
      const control = bytes.some((byte) => byte < 0x20 || byte === 0x7f)
      const text = typeof value === 'string' || value === null
      return text && isContent(name, nameEncoding) && !control && isContent(value, encoding)
    })
  )
}

function isContent(value: unknown, encoding: 'base64' | null | undefined): boolean {
  if (encoding !== 'base64' || value === null || value === undefined) {
    return typeof value !== 'string' || value.isWellFormed()
  }
  return typeof value === 'string' && Buffer.from(value, 'base64').toString('base64') === value
}

const isAboutDuplicates = (problem: unknown) =>
  problem instanceof Problem && problem.options.errors?.some(({ reason }) => /twice/.test(reason))

describe('parseProduceBody', () => {
  it('takes every document it should, and each key, value and header byte for byte', () => {
    fc.assert(
      fc.property(documents, ({ text, means }) => {
        expect(documented(text)).toBe(true)
        expect(parse(text)).toEqual(means)
      }),
      { numRuns: RUNS / 4 },
    )
  })

  it('takes what JSON.parse and the documented schema take, and nothing else, and calls malformed what cannot be read', () => {
    fc.assert(
      fc.property(mutations, (text) => {
        let problem: unknown
        try {
          parse(text)
        } catch (error) {
          expect(error).toBeInstanceOf(Problem)
          problem = error
        }
        const code = (problem as Problem | undefined)?.code
        if (!isJson(text)) expect(code).toBe('malformed_json')
        else if (code === 'malformed_json') expect(text).toMatch(/\\ud[89a-f]/i)
        // JSON.parse forgets all but the last of them.
        if (!isAboutDuplicates(problem)) expect(problem === undefined).toBe(documented(text))
      }),
      { numRuns: RUNS },
    )
  })

  it('points at every fault, and at nothing else', () => {
    expect(faults('{"records":[{"value":1},{"x":1},7,{"value":1,"headers":{"a/b~c":5}}]}')).toEqual([
      'invalid_request',
      '/records/1/x',
      '/records/1/value',
      '/records/2',
      '/records/3/headers/a~1b~0c',
    ])
    expect(
      faults('{"value":1,"headers":[{"name":"a"},3,{"value":null},{"name":"b","value":"","z":1}]}'),
    ).toEqual(['invalid_headers', '/headers/0/value', '/headers/1', '/headers/2/name', '/headers/3/z'])
    expect(
      faults(
        '{"value":1,"headers":[{"name":"a","value":"","encoding":"hex"},{"name":"@","nameEncoding":"base64","value":""}]}',
      ),
    ).toEqual(['invalid_encoding', '/headers/0/encoding', '/headers/1/name'])
    expect(faults('{"value":"@","valueEncoding":"base64","key":"YR==","keyEncoding":"base64"}')).toEqual([
      'invalid_encoding',
      '/key',
      '/value',
    ])
    expect(faults('{"value":1,"partition":2147483648}')).toEqual(['invalid_partition', '/partition'])
    expect(faults('{"value":1,"timestamp":9007199254740992}')).toEqual(['invalid_request', '/timestamp'])
    expect(faults('{"value":1,"valueEncoding":"hex"}')).toEqual(['invalid_encoding', '/valueEncoding'])
    expect(faults('[{"value":1}]')).toEqual(['invalid_request', ''])
    expect(faults('{"records":[{"value":1}],"key":"a"}')).toEqual(['invalid_request', ''])
    expect(faults('{"records":{}}')).toEqual(['invalid_request', '/records'])
  })

  it('takes no member twice, since parsers disagree on which one counts', () => {
    expect(faults('{"value":1,"value":2}')).toEqual(['invalid_request', '/value'])
    expect(faults('{"value":1,"\\u0076alue":2}')).toEqual(['invalid_request', '/value'])
    expect(faults('{"records":[{"value":1}],"records":[]}')).toEqual(['invalid_request', '/records'])
    expect(faults('{"value":1,"headers":{"a":"","\\u0061":""}}')).toEqual(['invalid_headers', '/headers/a'])
    expect(faults('{"value":1,"headers":[{"name":"a","name":"b","value":""}]}')).toEqual([
      'invalid_request',
      '/headers/0/name',
    ])
    expect(
      parse('{"value":1,"headers":[{"name":"a","value":""},{"name":"a","value":""}]}').records,
    ).toHaveLength(1)
  })

  it('never lets half a surrogate pair turn into another character', () => {
    const half = '"\\ud83d"'
    for (const text of [
      `{"value":${half}}`,
      `{"value":1,"key":${half}}`,
      `{"value":1,"headers":{"a":${half}}}`,
      `{"value":1,"headers":{${half}:"a"}}`,
      `{"value":1,"headers":[{"name":${half},"value":"a"}]}`,
      `{"value":1,"headers":[{"name":"a","value":${half}}]}`,
    ]) {
      expect(refusal(text).code).toBe('malformed_json')
    }
    // Inside JSON that is kept as text it is the caller's own ASCII.
    expect(parse(`{"value":[${half}]}`).records[0]!.value).toEqual(Buffer.from(`[${half}]`))
  })

  it('refuses bytes that are not UTF-8, and a byte order mark', () => {
    expect(refusal(Buffer.from('{"value":"\xff"}', 'latin1')).code).toBe('malformed_json')
    expect(refusal('\ufeff{"value":1}').code).toBe('malformed_json')
  })

  it('takes a value 500 levels deep, refuses one level more, and a million levels without harm', () => {
    const nested = (depth: number) => `{"value":${'['.repeat(depth)}${']'.repeat(depth)}}`
    expect(parse(nested(500)).records).toHaveLength(1)
    expect(refusal(nested(501)).code).toBe('malformed_json')
    expect(refusal(nested(1_000_000)).code).toBe('malformed_json')
  })

  it('tells an empty batch and one with too many records by their codes', () => {
    expect(faults('{"records":[]}')).toEqual(['empty_batch'])
    expect(parse('{"records":[{"value":1},{"value":2}]}', 2).records).toHaveLength(2)
    expect(refusal('{"records":[{"value":1},{"value":2}]}', 1)).toMatchObject({
      code: 'too_many_records',
      options: { extra: { limit: 1 } },
    })
  })

  it('takes 1,000 headers and refuses one more', () => {
    const list = (n: number) =>
      `{"value":1,"headers":[${Array(n).fill('{"name":"a","value":null}').join(',')}]}`
    expect(parse(list(1_000)).records[0]!.headers).toHaveLength(1_000)
    expect(faults(list(1_001))).toEqual(['invalid_headers', '/headers/1000/value'])
  })

  it('takes time that grows with the size of the body, not with its square', () => {
    const members = Array.from({ length: 500_000 }, (_, i) => `"m${i}":"a"`).join(',')
    const started = performance.now()
    for (const text of [`{"value":1,${members}}`, `{"value":1,"headers":{${members}}}`]) {
      expect(refusal(text).options.errors!.length).toBeLessThanOrEqual(20)
    }
    expect(performance.now() - started).toBeLessThan(5_000)
  })

  it('reads members named like those of Object.prototype as any other', () => {
    expect(faults('{"value":1,"__proto__":{"key":"x"}}')).toEqual(['invalid_request', '/__proto__'])
    expect(faults('{"value":1,"constructor":1}')).toEqual(['invalid_request', '/constructor'])
    const { headers } = parse('{"value":1,"headers":{"__proto__":"a","constructor":"b"}}').records[0]!
    expect(headers.map(({ name }) => String(name))).toEqual(['__proto__', 'constructor'])
  })
})
