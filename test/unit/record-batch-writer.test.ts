import fc from 'fast-check'
import { Reader, readRecordsBatch } from '@platformatic/kafka'
import { describe, expect, it } from 'vitest'
import {
  type BatchIdentity,
  encodeRecordBatch,
  recordSizeBound,
  type StampedRecord,
} from '../../src/kafka/wire/record-batch-writer.ts'
import { castagnoli } from '../support/record-batch.ts'

/** Decodes with the client library's reader, which shares no code with the encoder. */
function decode(bytes: Buffer) {
  return readRecordsBatch(Reader.from(bytes))
}

const bytes = fc.uint8Array({ maxLength: 40 }).map((b) => Buffer.from(b))
const nullable = fc.option(bytes, { nil: null })
/** What a JSON record may say: every whole millisecond that a number holds. */
const timestamp = fc.oneof(
  fc.nat(Number.MAX_SAFE_INTEGER),
  fc.constantFrom(0, 1, 2 ** 31, 2 ** 32, 2 ** 52, 2 ** 52 + 1, Number.MAX_SAFE_INTEGER),
)
const record: fc.Arbitrary<StampedRecord> = fc.record({
  key: nullable,
  value: nullable,
  headers: fc.array(fc.record({ name: bytes, value: nullable }), { maxLength: 5 }),
  timestamp,
})
const identity: fc.Arbitrary<BatchIdentity> = fc.record({
  producerId: fc.bigInt(0n, 2n ** 63n - 1n),
  producerEpoch: fc.nat(32_767),
  baseSequence: fc.nat(0x7fffffff),
})
const someone: BatchIdentity = { producerId: 1n, producerEpoch: 0, baseSequence: 0 }

describe('encodeRecordBatch', () => {
  it('writes what an independent decoder reads back, byte for byte and millisecond for millisecond', () => {
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 20 }), identity, (records, identity) => {
        const batch = decode(encodeRecordBatch(records, identity))
        expect(batch.records).toEqual(
          records.map((r, i) => ({
            length: expect.any(Number) as number,
            attributes: 0,
            timestampDelta: BigInt(r.timestamp) - BigInt(records[0]!.timestamp),
            offsetDelta: i,
            key: r.key,
            value: r.value,
            headers: r.headers.map(({ name, value }) => [name, value]),
          })),
        )
        expect(batch).toMatchObject({
          magic: 2,
          attributes: 0,
          lastOffsetDelta: records.length - 1,
          firstTimestamp: BigInt(records[0]!.timestamp),
          maxTimestamp: BigInt(Math.max(...records.map((r) => r.timestamp))),
          producerId: identity.producerId,
          producerEpoch: identity.producerEpoch,
          firstSequence: identity.baseSequence,
        })
      }),
      { numRuns: 2_000 },
    )
  })

  it('gives its own length and checksum, over exactly the bytes that brokers check', () => {
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 5 }), identity, (records, identity) => {
        const out = encodeRecordBatch(records, identity)
        expect(out.readInt32BE(8)).toBe(out.length - 12)
        expect(out.readUInt32BE(17)).toBe(castagnoli(out.subarray(21)))
      }),
    )
  })

  it('keeps null, empty and missing apart in keys, values and headers', () => {
    const empty = Buffer.alloc(0)
    const [first, second] = decode(
      encodeRecordBatch(
        [
          { key: null, value: empty, headers: [{ name: empty, value: null }], timestamp: 0 },
          { key: empty, value: null, headers: [{ name: empty, value: empty }], timestamp: 0 },
        ],
        someone,
      ),
    ).records
    expect([first!.key, first!.value, first!.headers]).toEqual([null, empty, [[empty, null]]])
    expect([second!.key, second!.value, second!.headers]).toEqual([empty, null, [[empty, empty]]])
  })

  it('keeps a thousand headers with the same name in order', () => {
    const name = Buffer.from('n')
    const headers = Array.from({ length: 1_000 }, (_, i) => ({ name, value: Buffer.from(String(i)) }))
    const { records } = decode(
      encodeRecordBatch([{ key: null, value: null, headers, timestamp: 0 }], someone),
    )
    expect(records[0]!.headers.map(([, value]) => String(value))).toEqual(headers.map((_, i) => String(i)))
  })

  it('keeps 100,000 records and a value of 3 MB whole', () => {
    const big = Buffer.alloc(3_000_000, 'x')
    const records = Array.from({ length: 100_000 }, (_, i) => ({
      key: null,
      value: i === 500 ? big : Buffer.from(String(i)),
      headers: [],
      timestamp: i,
    }))
    const read = decode(encodeRecordBatch(records, someone)).records
    expect(read.length).toBe(100_000)
    expect(read.every(({ value }, i) => value!.equals(records[i]!.value))).toBe(true)
  })
})

describe('recordSizeBound', () => {
  it('is never less than what the record takes, wherever in a batch it stands', () => {
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 20 }), (records) => {
        const bound = records.reduce((sum, r) => sum + recordSizeBound(r), 61)
        expect(encodeRecordBatch(records, someone).length).toBeLessThanOrEqual(bound)
      }),
    )
  })
})
