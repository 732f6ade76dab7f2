import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { FetchedRecord } from '../../src/records/fetched-record.ts'
import type { ReaderEvent } from '../../src/kafka/reader/events.ts'
import { Feed, type Follower, isShared } from '../../src/kafka/reader/feed.ts'
import type { RecordReader } from '../../src/kafka/record-reader.ts'

/** A reader that gives what it is told to, when it is told to. */
class Source {
  readonly #given: ReaderEvent[][] = []
  #waiter: ((events: ReaderEvent[]) => void) | undefined
  closed = false
  asked = 0

  next(): Promise<ReaderEvent[]> {
    this.asked++
    const events = this.#given.shift()
    return events === undefined ? new Promise((resolve) => (this.#waiter = resolve)) : Promise.resolve(events)
  }

  give(events: ReaderEvent[]): void {
    const waiter = this.#waiter
    this.#waiter = undefined
    if (waiter === undefined) this.#given.push(events)
    else waiter(events)
  }

  close(): void {
    this.closed = true
    this.give([])
  }
}

function records(partition: number, from: number, count: number, bytes = count): ReaderEvent {
  const list = Array.from({ length: count }, (_, n) => ({ offset: from + n }) as FetchedRecord)
  const nextOffset = from + count
  return { kind: 'records', topic: 't', partition, records: list, nextOffset, end: nextOffset, bytes }
}

function feedAt(positions: Record<string, number>) {
  const source = new Source()
  const start = new Map(Object.entries(positions))
  const state = { retired: 0 }
  const feed = new Feed(source as unknown as RecordReader, start, start, () => state.retired++)
  return { source, feed, state, join: (at = positions) => feed.join(new Map(Object.entries(at))) }
}

/** The next turn, read if need be. */
async function nextTurn(feed: Feed, follower: Follower): Promise<readonly ReaderEvent[]> {
  for (;;) {
    const turn = feed.take(follower)
    if (turn !== undefined) return turn
    await feed.more(follower)
  }
}

describe('Feed', () => {
  it('reads once for all who follow, and gives all the same events', async () => {
    const { source, feed, join } = feedAt({ 't:0': 5 })
    const followers = [join()!, join()!, join()!]
    const taken = Promise.all(followers.map((follower) => nextTurn(feed, follower)))
    source.give([records(0, 5, 3)])
    const turns = await taken
    expect(new Set(turns).size).toBe(1)
    expect(isShared(turns[0]!)).toBe(true)
    expect(source.asked).toBe(1)
  })

  it('reads on only when somebody waits at the front', async () => {
    const { source, feed, join } = feedAt({ 't:0': 0 })
    const fast = join()!
    join()
    source.give([records(0, 0, 1)])
    await nextTurn(feed, fast)
    expect(source.asked).toBe(1)
  })

  it('lets nobody join whom a turn would be missing that is gone', async () => {
    const { source, feed, join } = feedAt({ 't:0': 0 })
    const follower = join()!
    source.give([records(0, 0, 10, 1_000_000)])
    await nextTurn(feed, follower)
    source.give([records(0, 10, 10, 1_000_000)])
    await nextTurn(feed, follower)
    expect(join({ 't:0': 9 })).toBeUndefined()
    expect(join({ 't:0': 20 })).toBeDefined()
  })

  it('leaves behind who holds up more than it may, and keeps nothing for it', async () => {
    const { source, feed, join } = feedAt({ 't:0': 0 })
    const fast = join()!
    const slow = join()!
    for (let n = 0; n < 6; n++) {
      source.give([records(0, n, 1, 1_000_000)])
      await nextTurn(feed, fast)
      expect(slow.isLeftBehind, `after ${n + 1} MB`).toBe(n >= 4)
    }
    expect(feed.take(slow)).toBeUndefined()
    expect(join({ 't:0': 1 }), 'the turns that it waited for are gone').toBeUndefined()
  })

  it('ends with the last who follows', () => {
    const { source, feed, state, join } = feedAt({ 't:0': 0 })
    const followers = [join()!, join()!]
    feed.leave(followers[0]!)
    expect(source.closed).toBe(false)
    feed.leave(followers[1]!)
    expect(source.closed).toBe(true)
    expect(state.retired).toBe(1)
    expect(join()).toBeUndefined()
  })

  it('is joined by nobody once a partition of it is not read any more', async () => {
    const { source, feed, state, join } = feedAt({ 't:0': 0, 't:1': 0 })
    const follower = join()!
    const lost: ReaderEvent = { kind: 'lost', topic: 't', partition: 1, reason: 'out_of_range' }
    source.give([lost])
    expect(await nextTurn(feed, follower)).toEqual([lost])
    expect(state.retired).toBe(1)
    expect(join()).toBeUndefined()
  })

  it('tells all who wait, and who come to wait, of what ends the reading', async () => {
    const { source, feed, join } = feedAt({ 't:0': 0 })
    const followers = [join()!, join()!]
    source.next = () => Promise.reject(new Error('over'))
    for (const follower of followers) await expect(feed.more(follower)).rejects.toThrow('over')
  })

  it('gives everyone who joins, whenever and wherever it stands, each record after that once and in order', async () => {
    const partition = fc.nat(2)
    const step = fc.oneof(
      fc.record({
        do: fc.constant('write' as const),
        parts: fc.array(fc.tuple(partition, fc.integer({ min: 1, max: 5 })), { minLength: 1, maxLength: 4 }),
      }),
      fc.record({
        do: fc.constant('join' as const),
        ahead: fc.tuple(fc.nat(4), fc.nat(4), fc.nat(4)),
        back: fc.nat(8),
      }),
      fc.record({ do: fc.constant('take' as const), who: fc.nat(9) }),
      fc.record({ do: fc.constant('leave' as const), who: fc.nat(9) }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const heads = [0, 0, 0]
        const history: number[][] = [[0, 0, 0]]
        const { source, feed, join } = feedAt({ 't:0': 0, 't:1': 0, 't:2': 0 })
        const pilot = join()!
        const readers: { follower: Follower; positions: number[] }[] = []
        const take = (reader: (typeof readers)[number]) => {
          for (const event of feed.take(reader.follower) ?? []) {
            if (event.kind !== 'records') continue
            for (const { offset } of event.records) {
              const position = reader.positions[event.partition]!
              expect(offset, 'no gap').toBeLessThanOrEqual(position)
              if (offset === position) reader.positions[event.partition] = position + 1
            }
          }
        }
        for (const now of steps) {
          if (now.do === 'write') {
            const events = now.parts.map(([p, count]) => {
              heads[p]! += count
              return records(p, heads[p]! - count, count)
            })
            history.push([...heads])
            source.give(events)
            await nextTurn(feed, pilot)
          } else if (now.do === 'join') {
            const from = history.at(-1 - now.back) ?? history[0]!
            const positions = from.map((at, p) => Math.min(at + now.ahead[p]!, heads[p]! + now.ahead[p]!))
            const follower = join({ 't:0': positions[0]!, 't:1': positions[1]!, 't:2': positions[2]! })
            if (follower !== undefined) readers.push({ follower, positions })
          } else {
            const reader = readers[now.who % Math.max(1, readers.length)]
            if (reader === undefined) continue
            if (now.do === 'take') take(reader)
            else {
              feed.leave(reader.follower)
              readers.splice(readers.indexOf(reader), 1)
            }
          }
        }
        for (const reader of readers) {
          while (!reader.follower.isLeftBehind && reader.follower.at < pilot.at) take(reader)
          if (reader.follower.isLeftBehind) continue
          reader.positions.forEach((at, p) => expect(at).toBeGreaterThanOrEqual(heads[p]!))
        }
      }),
      { numRuns: 300 },
    )
  })
})
