import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Problem } from '../../src/problems/problem.ts'
import { cursorText, decodeCursor, encodeCursors, isOfName } from '../../src/records/cursor.ts'

const offset = fc.maxSafeNat()
const whole = fc.array(offset, { minLength: 1, maxLength: 50 }).map((all) => {
  return { whole: true, offsets: new Map(all.map((offset, partition) => [partition, offset])) }
})
const chosen = fc
  .array(fc.tuple(fc.nat(0x7fffffff), offset), { minLength: 1, maxLength: 20 })
  .map((entries) => ({ whole: false, offsets: new Map(entries) }))
const position = fc
  .tuple(fc.stringMatching(/^[a-z.-]{1,20}$/), fc.uuid(), fc.oneof(whole, chosen))
  .map(([topic, topicId, rest]) => ({ topic, topicId, ...rest }))
const positions = fc.uniqueArray(position, { minLength: 1, maxLength: 4, selector: (p) => p.topicId })

function isInvalid(text: string): boolean {
  try {
    decodeCursor(text)
    return false
  } catch (error) {
    if (error instanceof Problem && error.code === 'invalid_cursor') return true
    throw error
  }
}

const sorted = (map: ReadonlyMap<number, number>) => [...map].sort(([a], [b]) => a - b)

describe('a cursor', () => {
  it('gives back every position it was made of', () => {
    fc.assert(
      fc.property(positions, (topics) => {
        const text = encodeCursors(topics)
        expect(text).toMatch(/^[\w-]+$/)
        const decoded = decodeCursor(text)
        expect(decoded).toHaveLength(topics.length)
        for (const { topic, topicId, offsets, whole } of topics) {
          const found = decoded.find((d) => d.topicId === topicId)!
          expect(isOfName(found, topic)).toBe(true)
          expect(found.whole).toBe(whole)
          expect(sorted(found.offsets)).toEqual(sorted(offsets))
        }
      }),
    )
  })

  it('is refused when it is anything but what was issued', () => {
    fc.assert(
      fc.property(
        positions,
        fc.nat(),
        fc.constantFrom(...'AZaz09-_=+/ .\0é'),
        fc.nat(2),
        (topics, at, char, kind) => {
          const text = encodeCursors(topics)
          const i = at % (text.length + 1)
          const edited = text.slice(0, i) + (kind === 0 ? '' : char) + text.slice(i + (kind === 1 ? 0 : 1))
          // An edit can make another cursor, but then it is one that could have been issued, and the only text of it.
          if (!isInvalid(edited)) {
            const again = decodeCursor(edited)
            expect(again.every((p) => p.offsets.size > 0)).toBe(true)
            expect(Buffer.from(edited, 'base64url').toString('base64url')).toBe(edited)
          }
        },
      ),
      { numRuns: 3_000 },
    )
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void isInvalid(text)))
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        void isInvalid(Buffer.from([1, ...bytes]).toString('base64url'))
      }),
    )
    for (const text of ['', 'AQ', 'Ag', 'A'.repeat(100_000)]) expect(isInvalid(text)).toBe(true)
  })

  it('holds a topic of 3,000 partitions with millions of records each in a URL', () => {
    const offsets = new Map(
      Array.from({ length: 3_000 }, (_, p) => [p, 50_000_000 + ((p * 7_919) % 2_000_000)]),
    )
    const text = encodeCursors([{ topic: 't', topicId: crypto.randomUUID(), offsets }])
    expect(text.length).toBeLessThan(12_288)
    expect(decodeCursor(text)[0]!.offsets).toEqual(offsets)
  })
})

describe('CursorText', () => {
  it('follows offsets that move in any way, as a cursor made anew would', () => {
    const move = fc.tuple(fc.nat(3), fc.nat(50), fc.oneof(fc.nat(300), fc.maxSafeNat(), fc.constant('next')))
    fc.assert(
      fc.property(positions, fc.array(move, { maxLength: 100 }), (topics, moves) => {
        const text = cursorText(topics)
        const now = topics.map((topic) => ({ ...topic, offsets: new Map(topic.offsets) }))
        for (const [index, n, to] of moves) {
          const offsets = now[index]?.offsets
          const [partition, before] = [...(offsets ?? [])].at(n % (offsets?.size ?? 1)) ?? [n, 0]
          const offset = to === 'next' ? Math.min(before + 1, Number.MAX_SAFE_INTEGER) : to
          text.move(index, partition, offset)
          offsets?.set(partition, offset)
          expect(text.toString()).toBe(encodeCursors(now))
        }
      }),
    )
  })

  it('takes no partition that it was not made of', () => {
    const topic = { topic: 't', topicId: crypto.randomUUID(), offsets: new Map([[0, 5]]) }
    const text = cursorText([topic])
    text.move(0, 1, 7)
    text.move(1, 0, 7)
    expect(text.toString()).toBe(encodeCursors([topic]))
  })
})
