import { isUtf8 } from 'node:buffer'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readRecordBatches } from '../../src/kafka/wire/record-batch-reader.ts'
import { ByteWriter } from '../../src/records/byte-writer.ts'
import { type RecordFormat, recordPrefix, renderRecord } from '../../src/records/render-record.ts'
import { CloudEvent, ReadRecord } from '../../src/routes/records/read-schemas.ts'
import { DeliveredRecord } from '../../src/ws/messages.ts'
import { makeBatch, type TestBatch, type TestRecord } from '../support/record-batch.ts'

const formats = ['auto', 'json', 'text', 'base64'] as const

/** The text of one record that went through the wire format. */
function render(record: TestRecord, format: RecordFormat = 'auto', batch: TestBatch = {}): string {
  const wire = makeBatch({ baseOffset: 42n, ...batch, records: [record] })
  const [fetched] = readRecordBatches(wire, { from: 0 }).records
  // So small that it has to grow, and not empty, as in the middle of a frame.
  const out = new ByteWriter(4)
  out.ascii('##')
  renderRecord(out, recordPrefix('orders', 3), fetched!, format)
  expect(out.bytes.toString('utf8', 0, 2)).toBe('##')
  return out.take().toString('utf8', 2)
}

const parsed = (record: TestRecord, format?: RecordFormat) =>
  JSON.parse(render(record, format)) as Record<string, unknown>
const bytesOf = (text: string) => Buffer.from(text)

function parse(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) }
  } catch {
    return undefined
  }
}

/** What PRODUCT's contract says a field looks like, found without our scanner. */
function expected(
  bytes: Buffer | null,
  format: RecordFormat,
  isKey: boolean,
): { shown: unknown; base64: boolean } {
  if (bytes === null) return { shown: null, base64: false }
  const text = isUtf8(bytes) ? bytes.toString() : undefined
  const json = text === undefined ? undefined : parse(text)
  const isContainer = typeof json?.value === 'object' && json.value !== null
  if (format === 'auto' || (format === 'json' && isKey)) {
    if (isContainer) return { shown: json.value, base64: false }
    if (text !== undefined) return { shown: text, base64: false }
  }
  if (format === 'json' && !isKey && json !== undefined && json.value !== null)
    return { shown: json.value, base64: false }
  if (format === 'text' && text !== undefined) return { shown: text, base64: false }
  return { shown: bytes.toString('base64'), base64: true }
}

const field = fc.option(
  fc.oneof(
    fc.uint8Array({ maxLength: 80 }).map((a) => Buffer.from(a)),
    fc.string({ unit: 'binary' }).map(bytesOf),
    fc.json().map(bytesOf),
    fc.json().map((text) => bytesOf(` \n${text}\t`)),
    fc.tuple(fc.json(), fc.string()).map(([json, rest]) => bytesOf(json + rest)),
  ),
  { nil: null },
)
const header = fc.tuple(
  fc.oneof(
    fc.string({ maxLength: 3 }).map(bytesOf),
    fc.uint8Array({ maxLength: 3 }).map((a) => Buffer.from(a)),
  ),
  field,
)

describe('renderRecord', () => {
  it('shows every key, value and header as the contract says, in every format', () => {
    fc.assert(
      fc.property(
        field,
        field,
        fc.array(header, { maxLength: 12 }),
        fc.constantFrom(...formats),
        (key, value, headers, format) => {
          const shownKey = expected(key, format, true)
          const shownValue = expected(value, format, false)
          const names = headers.map(([name]) => name.toString('hex'))
          const isObject =
            new Set(names).size === names.length &&
            headers.every(([n, v]) => v !== null && isUtf8(n) && isUtf8(v))
          // As an object of the parser's, so that a name such as __proto__ is compared as it would be read.
          const object = JSON.parse(
            `{${headers.map(([n, v]) => `${JSON.stringify(n.toString())}:${JSON.stringify(String(v))}`).join(',')}}`,
          ) as unknown
          const list = headers.map(([name, value]) => ({
            name: isUtf8(name) ? name.toString() : name.toString('base64'),
            ...(isUtf8(name) ? {} : { nameEncoding: 'base64' }),
            value: value === null ? null : isUtf8(value) ? value.toString() : value.toString('base64'),
            ...(value === null || isUtf8(value) ? {} : { encoding: 'base64' }),
          }))
          const shown = parsed({ key, value, headers }, format)
          for (const schema of [ReadRecord, DeliveredRecord]) expect(() => schema.parse(shown)).not.toThrow()
          expect(shown).toEqual({
            topic: 'orders',
            partition: 3,
            offset: 42,
            timestamp: 1_700_000_000_000,
            timestampType: 'CreateTime',
            key: shownKey.shown,
            ...(shownKey.base64 ? { keyEncoding: 'base64' } : {}),
            value: shownValue.shown,
            ...(shownValue.base64 ? { valueEncoding: 'base64' } : {}),
            headers: isObject ? object : list,
          })
        },
      ),
      { numRuns: 3_000 },
    )
  })

  it('shows any record as an event, whatever its headers say of it', () => {
    const attribute = fc.constantFrom('specversion', 'id', 'source', 'type', 'time', 'subject', 'x')
    const text = fc.oneof(fc.constantFrom('1.0', '/a', '2026-01-31T09:30:00Z').map(bytesOf), field)
    const event = fc.tuple(
      attribute.map((name) => bytesOf(`ce_${name}`)),
      text,
    )
    const type = fc
      .constantFrom('application/json', 'text/plain', 'application/cloudevents+json', 'image/png', 'x')
      .map((each) => [bytesOf('content-type'), bytesOf(each)] as const)
    const whole = ['specversion', 'id', 'source', 'type'].map(
      (n) => [bytesOf(`ce_${n}`), bytesOf('1.0')] as const,
    )
    const headers = fc
      .tuple(fc.boolean(), fc.array(fc.oneof(event, type, header), { maxLength: 6 }))
      .map(([isEvent, more]) => (isEvent ? [...whole, ...more] : more))
    fc.assert(
      fc.property(field, field, headers, (key, value, list) => {
        const shown = parsed({ key, value, headers: list }, 'cloudevents')
        expect(() => CloudEvent.parse(shown.value)).not.toThrow()
        expect(() => ReadRecord.parse(shown)).not.toThrow()
      }),
      { numRuns: 3_000 },
    )
  })

  it('copies JSON byte for byte: digits, escapes, spaces, repeated members', () => {
    const text = ' { "id": 12345678901234567890.10, "a":"\\u00e9\\/", "id":1e400 ,\n"e":"é" } '
    expect(render({ value: bytesOf(text) })).toContain(`"value":${text},"headers"`)
    expect(render({ value: bytesOf('9007199254740993') }, 'json')).toContain('"value":9007199254740993,')
  })

  it('tells a tombstone from an empty value and from the JSON text null, in every format', () => {
    for (const format of formats) {
      expect(parsed({ value: null }, format)).toMatchObject({ value: null })
      const shown = [null, '', 'null'].map((text) => {
        const { value, valueEncoding } = parsed({ value: text === null ? null : bytesOf(text) }, format)
        return JSON.stringify([value, valueEncoding])
      })
      expect(new Set(shown).size).toBe(3)
    }
  })

  it('keeps order, repeated names, null and bytes of headers that no object can hold', () => {
    const headers = [
      [bytesOf('b'), bytesOf('1')],
      [bytesOf('a'), null],
      [bytesOf('b'), Buffer.from([0xff])],
    ] as const
    expect(parsed({ headers }).headers).toEqual([
      { name: 'b', value: '1' },
      { name: 'a', value: null },
      { name: 'b', value: '/w==', encoding: 'base64' },
    ])
  })

  it('stays quick with ten thousand headers', () => {
    const headers = Array.from({ length: 10_000 }, (_, n) => [bytesOf(`h${n}`), bytesOf('v')] as const)
    expect(Object.keys(parsed({ headers }).headers as object)).toHaveLength(10_000)
  })

  it('writes the digits of every offset and time exactly', () => {
    const offsets = fc.oneof(
      fc.bigInt(0n, 2n ** 53n - 2n),
      fc.constantFrom(0n, 9n, 10n, 9_999_999n, 10_000_000n, 10n ** 14n - 1n, 10n ** 14n, 2n ** 53n - 2n),
    )
    const times = fc.oneof(
      fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
      fc.constantFrom(-1n, 0n, 2n ** 53n - 1n, 2n ** 53n),
    )
    fc.assert(
      fc.property(offsets, times, fc.boolean(), (baseOffset, time, logAppendTime) => {
        const text = render({}, 'auto', {
          baseOffset,
          baseTimestamp: time,
          maxTimestamp: time,
          logAppendTime,
        })
        const type = logAppendTime ? 'LogAppendTime' : 'CreateTime'
        expect(text).toContain(`"offset":${baseOffset},"timestamp":${time},"timestampType":"${type}",`)
      }),
    )
  })

  it('never takes JSON nested too deep for a parser as JSON', () => {
    const deep = '['.repeat(501) + ']'.repeat(501)
    expect(parsed({ value: bytesOf(deep) })).toMatchObject({ value: deep })
    expect(parsed({ value: bytesOf(deep) }, 'json')).toMatchObject({ valueEncoding: 'base64' })
  })
})

describe('ByteWriter', () => {
  it('never touches what it gave away', () => {
    const out = new ByteWriter(8)
    out.ascii('first')
    const first = out.take()
    out.ascii('second, longer than the buffer')
    expect(first.toString()).toBe('first')
    expect(out.take().toString()).toBe('second, longer than the buffer')
  })
})
