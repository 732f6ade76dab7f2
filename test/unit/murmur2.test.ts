import fc from 'fast-check'
import { Partitioners } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { murmur2, partitionForKey } from '../../src/kafka/wire/murmur2.ts'

const javas = Partitioners.DefaultPartitioner()
const MOST = 1_000
const metadata = Array.from({ length: MOST }, (_, partitionId) => ({
  partitionId,
  leader: 1,
  partitionErrorCode: 0,
  replicas: [1],
  isr: [1],
  offline: [],
}))

/** Where kafkajs, whose default partitioner is Java's, puts a key. */
function javaPartition(key: Buffer, partitions: number): number {
  const partitionMetadata = metadata.slice(0, partitions)
  return javas({ topic: 't', partitionMetadata, message: { key, value: null } })
}

describe('partitionForKey', () => {
  it('puts every key where Java and kafkajs put it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.integer({ min: 1, max: MOST }), (key, partitions) => {
        expect(partitionForKey(key, partitions)).toBe(javaPartition(Buffer.from(key), partitions))
      }),
      { numRuns: 5_000, examples: [[new Uint8Array(), 3]] },
    )
  })

  it('reads a key that is a view into a larger buffer, and nothing around it', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), fc.uint8Array(), (before, key, after) => {
        const whole = Buffer.concat([before, key, after])
        expect(murmur2(whole.subarray(before.length, before.length + key.length))).toBe(murmur2(key))
      }),
    )
  })
})

describe('murmur2', () => {
  // The vectors of Kafka's own UtilsTest.
  it.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('gives %j the number that Java gives it', (key, hash) => expect(murmur2(Buffer.from(key))).toBe(hash))
})
