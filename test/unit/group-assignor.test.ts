import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assignPartitions, type Subscriber } from '../../src/kafka/group/assignor.ts'
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from '../../src/kafka/group/protocol.ts'
import { keyOf, type TopicPartition } from '../../src/kafka/topic-partition.ts'

const of = (topic: string, ...numbers: number[]): TopicPartition[] =>
  numbers.map((partition) => ({ topic, partition }))

function member(owned: TopicPartition[], generation = 5, topics = ['t']): Subscriber {
  return { topics: new Set(topics), owned, generation }
}

function assign(members: Record<string, Subscriber>, partitions: Record<string, number>) {
  const result = assignPartitions(new Map(Object.entries(members)), new Map(Object.entries(partitions)))
  return Object.fromEntries([...result].map(([id, own]) => [id, own.map(keyOf).sort()]))
}

describe('assignPartitions', () => {
  it('gives a lone member everything, and nothing of a topic that does not exist', () => {
    expect(assign({ a: member([], -1, ['t', 'none']) }, { t: 3 })).toEqual({ a: ['t:0', 't:1', 't:2'] })
  })

  it('takes from those who have most what a new member lacks, but does not hand it out in the same round', () => {
    const first = assign({ a: member(of('t', 0, 1)), b: member(of('t', 2, 3)), c: member([], -1) }, { t: 4 })
    expect(Object.values(first).flat()).toHaveLength(3)
    expect(first.c).toEqual([])
    const second = assign({ a: member(of('t', 0, 1)), b: member(of('t', 2)), c: member([], -1) }, { t: 4 })
    expect(second.c).toEqual(['t:3'])
  })

  it('hands out at once what nobody holds any more', () => {
    expect(assign({ a: member(of('t', 0, 1)) }, { t: 4 })).toEqual({ a: ['t:0', 't:1', 't:2', 't:3'] })
  })

  it('leaves a partition with a member that missed the last answer and still holds it', () => {
    const result = assign(
      { a: member(of('t', 0, 1), 5), b: member(of('t', 2), 6), c: member([], -1) },
      { t: 3 },
    )
    expect(result).toEqual({ a: ['t:0'], b: ['t:2'], c: [] })
  })

  it('believes the newer generation where two members claim one partition', () => {
    expect(assign({ a: member(of('t', 0), 5), b: member(of('t', 0), 6) }, { t: 1 })).toEqual({
      a: [],
      b: ['t:0'],
    })
  })

  it('gives a partition that two members of one generation claim to neither until both have let go', () => {
    expect(assign({ a: member(of('t', 0)), b: member(of('t', 0)) }, { t: 1 })).toEqual({ a: [], b: [] })
  })

  it('gives members that have just come back what they had, at once, since they hold nothing', () => {
    const back = (had: TopicPartition[]) => ({ ...member([], -1), had })
    const group = { a: member(of('t', 0, 1)), b: back(of('t', 2, 4)), c: back(of('t', 3, 5)) }
    expect(assign(group, { t: 6 })).toEqual({ a: ['t:0', 't:1'], b: ['t:2', 't:4'], c: ['t:3', 't:5'] })
    // What moves from one that only had it goes to the new member in the same round.
    expect(assign({ b: back(of('t', 0, 1)), d: member([], -1) }, { t: 2 })).toEqual({
      b: ['t:0'],
      d: ['t:1'],
    })
  })

  it('gives members that are away nothing new, but lets them keep what they hold', () => {
    const away = (owned: TopicPartition[]) => ({ ...member(owned), isAway: true })
    expect(assign({ a: away(of('t', 0)), b: member(of('t', 1)) }, { t: 6 })).toEqual({
      a: ['t:0'],
      b: ['t:1', 't:2', 't:3', 't:4', 't:5'],
    })
    // One that is back has its share.
    const back = assign({ a: member(of('t', 0)), b: member(of('t', 1, 2, 3, 4, 5)) }, { t: 6 })
    expect([back.a!.length, back.b!.length]).toEqual([1, 3])
    // Where nobody else is left, they have it all.
    expect(assign({ a: away(of('t', 0)), b: away([]) }, { t: 2 })).toEqual({ a: ['t:0'], b: ['t:1'] })
  })

  it('gives a member that comes back nothing that another one holds by now', () => {
    const back = { ...member([], -1), had: of('t', 0, 1) }
    expect(assign({ a: member(of('t', 0)), b: back }, { t: 2 })).toEqual({ a: ['t:0'], b: ['t:1'] })
  })

  it('gives a member only partitions of topics it reads', () => {
    const result = assign({ a: member([], -1, ['t']), b: member([], -1, ['u']) }, { t: 2, u: 3 })
    expect(result).toEqual({ a: ['t:0', 't:1'], b: ['u:0', 'u:1', 'u:2'] })
  })

  it('ends balanced through any joins and leaves, and never gives a partition to one while another holds it', () => {
    const step = fc.record({
      joins: fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 3 }),
      leaves: fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 3 }),
      /** Members that do not get the round's answer and keep what they held, with its generation. */
      miss: fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 2 }),
    })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.array(step, { maxLength: 8 }), (count, steps) => {
        const held = new Map<string, { owned: TopicPartition[]; generation: number }>()
        let generation = 0
        const round = (miss: readonly string[]): boolean => {
          generation++
          const members = new Map([...held].map(([id, own]) => [id, member(own.owned, own.generation)]))
          let gaveUp = false
          const assigned = assignPartitions(members, new Map([['t', count]]))
          for (const [id, own] of assigned) {
            for (const p of own) {
              const others = [...held].filter(([other]) => other !== id)
              const holder = others.find(([, o]) => o.owned.some((q) => keyOf(q) === keyOf(p)))
              expect(holder, `${keyOf(p)} given to ${id}`).toBeUndefined()
            }
          }
          for (const [id, own] of assigned) {
            if (miss.includes(id)) gaveUp = true
            else {
              const keys = new Set(own.map(keyOf))
              if (held.get(id)!.owned.some((p) => !keys.has(keyOf(p)))) gaveUp = true
              held.set(id, { owned: own, generation })
            }
          }
          return gaveUp
        }
        for (const { joins, leaves, miss } of steps) {
          for (const n of leaves) held.delete(`m${n}`)
          for (const n of joins) if (!held.has(`m${n}`)) held.set(`m${n}`, { owned: [], generation: -1 })
          round(miss.map((n) => `m${n}`))
        }
        if (held.size === 0) return
        let rounds = 0
        while (round([])) expect(++rounds).toBeLessThan(4)
        const sizes = [...held.values()].map((own) => own.owned.length)
        expect(sizes.reduce((a, b) => a + b, 0)).toBe(count)
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
      }),
      { numRuns: 500 },
    )
  })

  it('leaves the holder of 2,000 partitions its share when 99 others join', () => {
    const members = new Map(Array.from({ length: 100 }, (_, i) => [`m${i}`, member([], -1)]))
    members.set('m0', member(of('t', ...Array.from({ length: 2_000 }, (_, i) => i))))
    const result = assignPartitions(members, new Map([['t', 2_000]]))
    expect(result.get('m0')).toHaveLength(20)
  })
})

describe('the group protocol bytes', () => {
  it('carry a subscription and an assignment there and back', () => {
    const owned = [...of('t', 2, 0), ...of('u', 7)]
    const subscription = decodeSubscription(encodeSubscription(['t', 'u'], owned, 12))
    expect(subscription.topics).toEqual(new Set(['t', 'u']))
    expect(subscription.generation).toBe(12)
    expect(subscription.isAway).toBe(false)
    const away = decodeSubscription(encodeSubscription(['t'], owned, 12, true))
    expect([away.isAway, away.generation, away.owned.length]).toEqual([true, 12, 3])
    expect(subscription.owned.map(keyOf).sort()).toEqual(owned.map(keyOf).sort())
    expect(decodeAssignment(encodeAssignment(owned)).map(keyOf).sort()).toEqual(owned.map(keyOf).sort())
  })

  it('read the generation of a member older than KIP-792 from where its assignor wrote it', () => {
    const bytes = encodeSubscription(['t'], of('t', 1), 12)
    // Version 1: without the generation (and rack) at the end.
    const old = Buffer.from(bytes.subarray(0, bytes.length - 6))
    old.writeInt16BE(1)
    expect(decodeSubscription(old)).toMatchObject({ owned: of('t', 1), generation: 12 })
  })

  it('read an empty assignment as none', () => {
    expect(decodeAssignment(Buffer.alloc(0))).toEqual([])
  })
})
