import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TokenBucket } from '../../../src/limits/token-bucket.ts'

describe('a token bucket', () => {
  it('lets no more through than its burst and its rate, whenever it is asked', () => {
    const steps = fc.array(fc.tuple(fc.integer({ min: 0, max: 700 }), fc.integer({ min: 0, max: 20 })))
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1, max: 5 }),
        steps,
        (rate, burst, all) => {
          const bucket = new TokenBucket(rate, burst, 0)
          let now = 0
          let taken = 0
          for (const [waitMs, tries] of all) {
            now += waitMs
            for (let i = 0; i < tries; i++) {
              if (!bucket.isOpen(now)) continue
              bucket.take(1, now)
              taken++
            }
            expect(taken).toBeLessThanOrEqual(rate * burst + (rate * now) / 1_000 + 1e-6)
          }
        },
      ),
    )
  })

  it('is open again when it says, and not before', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000 }),
        fc.integer({ min: 0, max: 1_000_000 }),
        (rate, bytes) => {
          const bucket = new TokenBucket(rate, 1, 0)
          bucket.take(bytes, 0)
          const wait = bucket.opensIn(0)
          expect(new TokenBucket(rate, 1, 0).opensIn(0)).toBe(0)
          if (wait > 1) {
            const early = new TokenBucket(rate, 1, 0)
            early.take(bytes, 0)
            expect(early.isOpen(wait - 2)).toBe(false)
          }
          expect(bucket.isOpen(wait + 1e-6)).toBe(true)
        },
      ),
    )
  })
})
