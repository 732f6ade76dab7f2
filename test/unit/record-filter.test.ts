import { describe, expect, it } from 'vitest'
import { parseHeaderMatch, recordFilter } from '../../src/records/record-filter.ts'
import type { FetchedRecord } from '../../src/records/fetched-record.ts'
import { readRecordBatches } from '../../src/kafka/wire/record-batch-reader.ts'
import { makeBatch } from '../support/record-batch.ts'

type Field = string | Buffer | null

function fetchedRecord({
  key = null,
  headers = [],
}: {
  key?: Field
  headers?: [string, string | null][]
}): FetchedRecord {
  const bytes = (field: Field) => (typeof field === 'string' ? Buffer.from(field) : field)
  const record = {
    key: bytes(key),
    value: Buffer.from('v'),
    headers: headers.map(([name, value]) => [Buffer.from(name), bytes(value)] as [Buffer, Buffer | null]),
  }
  return readRecordBatches(makeBatch({ baseOffset: 42n, records: [record] }), { from: 0 }).records[0]!
}

describe('recordFilter', () => {
  const passes = (
    { key, headers = [] }: { key?: string; headers?: { name: string; value: string }[] },
    record: Parameters<typeof fetchedRecord>[0],
  ) => recordFilter(key, headers)!(fetchedRecord(record))

  it('is none where nothing is asked for', () => {
    expect(recordFilter(undefined, [])).toBeUndefined()
  })

  it.each([
    ['order-17', 'order-17', true],
    ['order-17', 'order-1', false],
    ['order-1', 'order-17', false],
    ['order-17', null, false],
    ['', '', true],
    ['', null, false],
    ['', 'x', false],
    ['ß', Buffer.from([0xc3, 0x9f]), true],
    ['\ufffd', Buffer.from([0xff]), false],
    ['A', 'a', false],
    ['17', '17', true],
  ])('asked for the key %j has %j pass: %s', (key, given, expected) => {
    expect(passes({ key }, { key: given })).toBe(expected)
  })

  it('asks for every header, each by name and value', () => {
    const record = {
      headers: [
        ['type', 'placed'],
        ['type', 'again'],
        ['empty', ''],
        ['null', null],
      ] as [string, string | null][],
    }
    const type = (value: string) => ({ name: 'type', value })
    expect(passes({ headers: [type('placed')] }, record)).toBe(true)
    expect(passes({ headers: [type('again')] }, record)).toBe(true)
    expect(passes({ headers: [type('placed'), { name: 'empty', value: '' }] }, record)).toBe(true)
    expect(passes({ headers: [type('placed'), type('lost')] }, record)).toBe(false)
    expect(passes({ headers: [{ name: 'Type', value: 'placed' }] }, record)).toBe(false)
    expect(passes({ headers: [{ name: 'null', value: '' }] }, record)).toBe(false)
    expect(passes({ headers: [type('placed')] }, {})).toBe(false)
    expect(passes({ key: 'k', headers: [type('placed')] }, { ...record, key: 'k' })).toBe(true)
    expect(passes({ key: 'k', headers: [type('placed')] }, { ...record, key: 'l' })).toBe(false)
  })
})

describe('parseHeaderMatch', () => {
  it.each([
    ['a:b', { name: 'a', value: 'b' }],
    ['a:', { name: 'a', value: '' }],
    ['a: b:c', { name: 'a', value: ' b:c' }],
    [':b', undefined],
    ['ab', undefined],
    ['', undefined],
  ])('reads %j', (text, expected) => {
    expect(parseHeaderMatch(text)).toEqual(expected)
  })
})
