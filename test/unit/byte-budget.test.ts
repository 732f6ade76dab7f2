import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteBudget } from '../../src/kafka/writer/byte-budget.ts'

describe('ByteBudget', () => {
  it('never holds more than its limits, but for one request that is alone', () => {
    const step = fc.record({
      topic: fc.constantFrom('a', 'b'),
      bytes: fc.nat(120),
      request: fc.nat(5),
      release: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const budget = new ByteBudget(100, 60)
        const requests = new Map<string, number>()
        const held = (of: (name: string) => boolean) =>
          [...requests].reduce((sum, [name, bytes]) => sum + (of(name) ? bytes : 0), 0)
        for (const { topic, bytes, request, release } of steps) {
          const name = `${topic}${request}`
          const own = requests.get(name) ?? 0
          if (release) {
            budget.release(topic, own)
            requests.delete(name)
          } else {
            const others = held((n) => n !== name)
            const topicOthers = held((n) => n !== name && n.startsWith(topic))
            const fits = others === 0 || others + own + bytes <= 100
            const topicFits = topicOthers === 0 || topicOthers + own + bytes <= 60
            expect(budget.tryReserve(topic, bytes, own)).toBe(fits && topicFits)
            if (fits && topicFits) requests.set(name, own + bytes)
          }
          expect(budget.used).toBe(held(() => true))
        }
      }),
    )
  })

  it('lets a request that came in pieces be larger than a limit when nothing else is held', () => {
    const budget = new ByteBudget(100, 60)
    expect(budget.tryReserve('a', 50)).toBe(true)
    expect(budget.tryReserve('a', 5_000, 50)).toBe(true)
    expect(budget.tryReserve('b', 1)).toBe(false)
    budget.release('a', 5_050)
    expect(budget.tryReserve('b', 1)).toBe(true)
  })

  it('has room for one that can wait while others hold less than half, and says when to look again', async () => {
    const budget = new ByteBudget(100, 60)
    expect(budget.tryReserve('a', 30)).toBe(true)
    expect([budget.hasRoom('a', 0), budget.hasRoom('a', 30), budget.hasRoom('b', 0)]).toEqual([
      false,
      true,
      true,
    ])
    budget.take('b', 40)
    expect([budget.hasRoom('c', 0), budget.hasRoom('b', 40)]).toEqual([false, true])
    const released = budget.released().then(() => budget.hasRoom('a', 0))
    budget.release('a', 30)
    expect(await released).toBe(true)
  })
})
