import { createRequire } from 'node:module'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type FetchedRecord, keyOf, readHeaders, valueOf } from '../../src/records/fetched-record.ts'
import { readRecordBatches } from '../../src/kafka/wire/record-batch-reader.ts'
import { castagnoli, makeBatch, type TestRecord } from '../support/record-batch.ts'

/** A record's contents as plain values, to compare. */
function contents(record: FetchedRecord) {
  return {
    offset: record.offset,
    timestamp: record.timestamp,
    key: keyOf(record)?.toString('hex') ?? null,
    value: valueOf(record)?.toString('hex') ?? null,
    headers: readHeaders(record).map((h) => [
      record.bytes.toString('hex', h.nameStart, h.nameEnd),
      h.valueStart < 0 ? null : record.bytes.toString('hex', h.valueStart, h.valueEnd),
    ]),
  }
}

const values = (bytes: Buffer, from = 0) =>
  readRecordBatches(bytes, { from }).records.map((r) => valueOf(r)?.toString() ?? null)
const text = (value: string): TestRecord => ({ value: Buffer.from(value) })

const bytes = fc.uint8Array({ maxLength: 200 }).map((a) => Buffer.from(a))
const nullable = fc.option(bytes, { nil: null })
const record = fc.record({
  key: nullable,
  value: nullable,
  headers: fc.array(fc.tuple(bytes, nullable), { maxLength: 4 }),
  timestampDelta: fc.oneof(fc.bigInt({ min: -(2n ** 40n), max: 2n ** 40n }), fc.constant(0n)),
})

describe('readRecordBatches', () => {
  it('gives back every byte, null, header and time of every batch, under every compression', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.array(record, { minLength: 1, maxLength: 5 }), fc.nat(4)), { maxLength: 4 }),
        fc.nat(1_000_000),
        (batches, first) => {
          let next = first
          const expected: ReturnType<typeof contents>[] = []
          const wire = batches.map(([records, codec]) => {
            const baseOffset = BigInt(next)
            for (const r of records) {
              expected.push({
                offset: next++,
                timestamp: 1_700_000_000_000 + Number(r.timestampDelta),
                key: r.key?.toString('hex') ?? null,
                value: r.value?.toString('hex') ?? null,
                headers: r.headers.map(([n, v]) => [n.toString('hex'), v?.toString('hex') ?? null]),
              })
            }
            return makeBatch({ baseOffset, records, codec })
          })
          const decoded = readRecordBatches(Buffer.concat(wire), { from: first })
          expect(decoded.fault).toBeUndefined()
          expect(decoded.nextOffset).toBe(next)
          expect(decoded.records.map(contents)).toEqual(expected)
        },
      ),
    )
  })

  it('reads the batches kafkajs writes', async () => {
    const require = createRequire(import.meta.url)
    const { RecordBatch } = require('kafkajs/src/protocol/recordBatch/v0')
    const Record = require('kafkajs/src/protocol/recordBatch/record/v0')
    for (const compression of [0, 1]) {
      const batch = await RecordBatch({
        compression,
        firstOffset: 7,
        firstTimestamp: 1_700_000_000_000,
        maxTimestamp: 1_700_000_000_123,
        lastOffsetDelta: 1,
        records: [
          Record({ key: 'k', value: '{"a":1}', headers: { h: ['1', '2'] } }),
          Record({ offsetDelta: 1, timestampDelta: 123, key: null, value: null }),
        ],
      })
      const { records, nextOffset } = readRecordBatches(batch.buffer, { from: 0 })
      expect(nextOffset).toBe(9)
      expect(records.map(contents)).toEqual([
        {
          offset: 7,
          timestamp: 1_700_000_000_000,
          key: '6b',
          value: '7b2261223a317d',
          headers: [
            ['68', '31'],
            ['68', '32'],
          ],
        },
        { offset: 8, timestamp: 1_700_000_000_123, key: null, value: null, headers: [] },
      ])
    }
  })

  // Each is a batch as a log held it, written by Kafka's own Java producer (4.3.1).
  it.each([
    [
      'none',
      0,
      'AAAAAAAAAAAAAACXAAAAAAJ5eqfqAAAAAAABAAABi8/laAAAAAGLz+VoBf//////////////////AAAAAroBAAAABmtleaABw6nDqcOpw6nDqcOpw6nDqcOpw6nDqcOpw6nDqcOpw6nDqcOpw6nDqcOpw6nDqcOpw6nDqcOpw6nDqcOpw6nDqcOpw6nDqcOpw6nDqcOpw6kCAmgBDAAKAgEBAA==',
    ],
    [
      'gzip',
      2,
      'AAAAAAAAAAIAAABfAAAAAAL0z9+4AAEAAAABAAABi8/laAAAAAGLz+VoBf//////////////////AAAAAh+LCAAAAAAAAP/bxcjAwMCWnVq5gPHwSupCJqYMRh4GLiZGRgYACqDs62YAAAA=',
    ],
    [
      'snappy',
      4,
      'AAAAAAAAAAQAAABmAAAAAAKWq86qAAIAAAABAAABi8/laAAAAAGLz+VoBf//////////////////AAAAAoJTTkFQUFkAAAAAAQAAAAEAAAAhZjC6AQAAAAZrZXmgAcOp/gIANgIAKAICaAEMAAoCAQEA',
    ],
    [
      'lz4',
      6,
      'AAAAAAAAAAYAAABdAAAAAAKb/IoMAAMAAAABAAABi8/laAAAAAGLz+VoBf//////////////////AAAAAgQiTRhgQIIdAAAA37oBAAAABmtleaABw6kCADuwAgJoAQwACgIBAQAAAAAA',
    ],
    [
      'zstd',
      8,
      'AAAAAAAAAAgAAABbAAAAAAJTFGPyAAQAAAABAAABi8/laAAAAAGLz+VoBf//////////////////AAAAAii1L/0AWPQAAMC6AQAAAAZrZXmgAcOpAgJoAQwACgIBAQABABvqvgEAAA==',
    ],
  ])('reads what the Java producer writes with compression %s', (_codec, offset, base64) => {
    const { records, nextOffset, fault } = readRecordBatches(Buffer.from(base64, 'base64'), { from: 0 })
    expect(fault).toBeUndefined()
    expect(nextOffset).toBe(offset + 2)
    expect(records.map(contents)).toEqual([
      {
        offset,
        timestamp: 1_700_000_000_000,
        key: Buffer.from('key').toString('hex'),
        value: Buffer.from('é'.repeat(40)).toString('hex'),
        headers: [[Buffer.from('h').toString('hex'), null]],
      },
      { offset: offset + 1, timestamp: 1_700_000_000_005, key: null, value: null, headers: [] },
    ])
  })

  it('passes over the records below the offset asked for, and goes on after the last', () => {
    const batch = makeBatch({ baseOffset: 10n, records: ['a', 'b', 'c'].map(text) })
    expect(values(batch, 11)).toEqual(['b', 'c'])
    expect(readRecordBatches(batch, { from: 13 })).toMatchObject({ records: [], nextOffset: 13 })
  })

  it('goes on after a batch whose last records compaction removed', () => {
    const batch = makeBatch({
      baseOffset: 10n,
      records: [text('a'), { ...text('b'), offsetDelta: 4 }],
      lastOffsetDelta: 9,
    })
    const { records, nextOffset } = readRecordBatches(batch, { from: 0 })
    expect(records.map((r) => r.offset)).toEqual([10, 14])
    expect(nextOffset).toBe(20)
  })

  it('ignores a last batch that was cut short, wherever it was cut', () => {
    const whole = makeBatch({ records: [text('a')] })
    const next = makeBatch({ baseOffset: 1n, records: [text('b')] })
    for (let cut = 0; cut < next.length; cut++) {
      const decoded = readRecordBatches(Buffer.concat([whole, next.subarray(0, cut)]), { from: 0 })
      expect(decoded).toMatchObject({ nextOffset: 1 })
      expect(decoded.fault).toBeUndefined()
      expect(decoded.records).toHaveLength(1)
    }
  })

  it('moves past control batches without showing them', () => {
    const wire = [
      makeBatch({ records: [text('a')], transactional: true, producerId: 1n }),
      makeBatch({ baseOffset: 1n, control: 'commit', producerId: 1n }),
    ]
    const decoded = readRecordBatches(Buffer.concat(wire), { from: 0, aborted: [] })
    expect(decoded.records).toHaveLength(1)
    expect(decoded.nextOffset).toBe(2)
  })

  it("gives the broker's one time to all records of a LogAppendTime batch", () => {
    const records = [text('a'), { ...text('b'), timestampDelta: 5n }]
    const batch = makeBatch({ records, logAppendTime: true, maxTimestamp: 1_800_000_000_000n })
    for (const r of readRecordBatches(batch, { from: 0 }).records) {
      expect(r).toMatchObject({ timestamp: 1_800_000_000_000, timestampType: 'LogAppendTime' })
    }
    expect(readRecordBatches(makeBatch({ records }), { from: 0 }).records[0]).toMatchObject({
      timestampType: 'CreateTime',
    })
  })

  it('keeps every digit of times that no number can hold', () => {
    fc.assert(
      fc.property(
        fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
        fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
        (base, time) => {
          const timestampDelta = BigInt.asIntN(64, time - base)
          const batch = makeBatch({ baseTimestamp: base, records: [{ ...text('a'), timestampDelta }] })
          const [read] = readRecordBatches(batch, { from: 0 }).records
          expect(String(read!.timestamp)).toBe(String(time))
          expect(typeof read!.timestamp).toBe(Number.isSafeInteger(Number(time)) ? 'number' : 'bigint')
        },
      ),
    )
  })

  it('stops after maxRecords, to go on right after the last', () => {
    const wire = Buffer.concat([
      makeBatch({ records: ['a', 'b', 'c'].map(text) }),
      makeBatch({ baseOffset: 3n, records: ['d', 'e'].map(text) }),
    ])
    for (let n = 1; n <= 5; n++) {
      const decoded = readRecordBatches(wire, { from: 0, maxRecords: n })
      expect(decoded.records).toHaveLength(n)
      expect(decoded.nextOffset).toBe(n)
    }
  })

  it('stops unfolding compressed batches once their records hold maxMemory', () => {
    const batch = (n: number) =>
      makeBatch({ baseOffset: BigInt(n), codec: 1, records: [text('x'.repeat(1_000_000))] })
    const decoded = readRecordBatches(Buffer.concat([0, 1, 2, 3].map(batch)), {
      from: 0,
      maxMemory: 1_500_000,
    })
    expect(decoded.nextOffset).toBe(2)
    expect(decoded.memory).toBeGreaterThan(2_000_000)
  })
})

describe('readRecordBatches of damaged bytes', () => {
  const good = makeBatch({ records: [text('a')] })
  const after = makeBatch({ baseOffset: 1n, records: ['b', 'c'].map(text) })

  it('keeps the records before the damage and says where it is', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 16, max: after.length - 1 }),
        fc.integer({ min: 1, max: 255 }),
        (at, flip) => {
          const broken = Buffer.concat([good, after])
          broken[good.length + at]! ^= flip
          const decoded = readRecordBatches(broken, { from: 0 })
          expect(decoded.records.map((r) => r.offset)).toEqual([0])
          expect(decoded.nextOffset).toBe(1)
          expect(decoded.fault).toBeTypeOf('string')
        },
      ),
    )
  })

  it('never throws, whatever the bytes', () => {
    const mangled = fc
      .tuple(fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 10 }), fc.nat(4), fc.boolean())
      .map(([edits, codec, mend]) => {
        const batch = makeBatch({
          codec,
          records: [{ key: Buffer.from('key'), ...text('value') }, text('b')],
        })
        for (const [at, byte] of edits) batch[at % batch.length] = byte
        // With a checksum that fits, the damage reaches the decompressors and the record decoder.
        if (mend) batch.writeUInt32BE(castagnoli(batch.subarray(21)), 17)
        return batch
      })
    fc.assert(
      fc.property(
        fc.oneof(mangled, fc.uint8Array({ maxLength: 100 }).map(Buffer.from)),
        fc.nat(3),
        (wire, from) => {
          const { nextOffset } = readRecordBatches(wire, {
            from,
            aborted: [{ producerId: 1n, firstOffset: 0 }],
          })
          expect(nextOffset).toBeGreaterThanOrEqual(from)
        },
      ),
      { numRuns: 3_000 },
    )
    // The decompressors still work after what they were fed.
    for (const codec of [1, 2, 3, 4])
      expect(values(makeBatch({ codec, records: [text('v')] }))).toEqual(['v'])
  })

  it.each([0, 1])('names the record format %i that it does not read', (magic) => {
    const { fault } = readRecordBatches(makeBatch({ magic, records: [text('a')] }), { from: 0 })
    expect(fault).toBe(`a record batch of format ${magic}; only format 2 (Kafka 0.11 and newer) is read`)
  })

  it('refuses offsets past 2^53-1 rather than round them', () => {
    const at = (baseOffset: bigint) =>
      readRecordBatches(makeBatch({ baseOffset, records: [text('a')] }), { from: 0 })
    expect(at(2n ** 53n - 2n).records[0]!.offset).toBe(Number.MAX_SAFE_INTEGER - 1)
    for (const offset of [2n ** 53n - 1n, 2n ** 53n, 2n ** 63n - 1n, -1n - 2n ** 53n]) {
      expect(at(offset)).toMatchObject({ records: [], nextOffset: 0 })
      expect(at(offset).fault).toContain('2^53-1')
    }
  })
})
