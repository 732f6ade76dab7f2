import { onTestFinished, describe, expect, it } from 'vitest'
import { valueOf } from '../../../src/records/fetched-record.ts'
import type { ReaderEvent } from '../../../src/kafka/reader/events.ts'
import type { RecordReaderOptions } from '../../../src/kafka/record-reader.ts'
import { isShared, SharedReader } from '../../../src/kafka/shared-reader.ts'
import { makeTopic, withAdmin } from '../../support/kafka.ts'
import { numbered, produce, removeRecordsBelow } from '../../support/produce.ts'
import { WatchedCluster } from '../../support/watched-cluster.ts'

/** Reads a topic from an offset, and keeps what it was given. */
class Follow {
  readonly reader: SharedReader
  readonly events: ReaderEvent[] = []
  sharedTurns = 0
  readonly #cluster: WatchedCluster

  constructor(cluster: WatchedCluster, options: Partial<RecordReaderOptions> = {}) {
    this.#cluster = cluster
    this.reader = new SharedReader(cluster, {
      isolation: 'read_uncommitted',
      maxWaitMs: 50,
      maxBytes: 65_536,
      ...options,
    })
    onTestFinished(() => this.reader.close())
  }

  async from(topic: string, offset: number): Promise<this> {
    const info = (await this.#cluster.topic(topic))!
    this.reader.assign(
      info.partitions.map(({ partition }) => ({ topic, topicId: info.id, partition, offset })),
    )
    return this
  }

  /** Takes turns until it holds so many records. */
  async until(records: number): Promise<string[]> {
    while (this.values().length < records) await this.turn()
    return this.values()
  }

  async turn(): Promise<void> {
    const turn = await this.reader.next(AbortSignal.timeout(20_000))
    if (isShared(turn)) this.sharedTurns++
    this.events.push(...turn)
  }

  /** Takes turns until it has been told that it is at the end. */
  async caughtUp(): Promise<this> {
    const isAtEnd = (e: ReaderEvent) =>
      (e.kind === 'records' || e.kind === 'progress') && e.nextOffset >= e.end
    while (!this.events.some(isAtEnd)) await this.turn()
    return this
  }

  values(partition?: number): string[] {
    return this.events.flatMap((event) =>
      event.kind === 'records' && (partition ?? event.partition) === event.partition
        ? event.records.map((record) => valueOf(record)!.toString())
        : [],
    )
  }
}

const names = (count: number, from = 0) => Array.from({ length: count }, (_, n) => `v${from + n}`)

describe('SharedReader', () => {
  it('fetches what is written once for fifty who wait for it', async () => {
    const topic = await makeTopic()
    const cluster = WatchedCluster.start()
    const follows = await Promise.all(Array.from({ length: 50 }, () => new Follow(cluster).from(topic, 0)))
    await Promise.all(follows.map((follow) => follow.caughtUp()))
    // Those who came at the same time find each other at their next turn.
    const first = follows.map((follow) => follow.until(1))
    await produce(topic, numbered(1))
    await Promise.all(first)
    const before = cluster.fetchedBytes
    const rest = follows.map((follow) => follow.until(101))
    await produce(topic, numbered(100, { from: 1, size: 100 }))
    for (const values of await Promise.all(rest))
      expect(values.map((v) => v.split(' ')[0]!.trim())).toHaveLength(101)
    expect(cluster.fetchedBytes - before, 'bytes of 100 records, not of 5,000').toBeLessThan(100 * 300)
    expect(follows.every((follow) => follow.sharedTurns > 0)).toBe(true)
  })

  it('needs no fetch of its own where it starts at the end that others have reached', async () => {
    const topic = await makeTopic({ partitions: 3 })
    const cluster = WatchedCluster.start()
    const first = await (await new Follow(cluster).from(topic, 0)).caughtUp()
    const waiting = first.until(1)
    const { attempts } = cluster
    const second = await (await new Follow(cluster).from(topic, 0)).caughtUp()
    expect(second.events).toHaveLength(3)
    await produce(topic, numbered(1))
    await Promise.all([waiting, second.until(1)])
    expect(cluster.attempts).toBe(attempts)
  })

  it('gives everything once and in order to each of many who start anywhere, while more is written', async () => {
    const topic = await makeTopic({ partitions: 2 })
    const cluster = WatchedCluster.start()
    await produce(
      topic,
      [0, 1].flatMap((partition) => numbered(300, { partition })),
    )
    const starts = [0, 0, 100, 250, 299, 300, 300]
    const follows = await Promise.all(
      starts.map((start) => new Follow(cluster, { maxBytes: 4_096 }).from(topic, start)),
    )
    const reading = Promise.all(follows.map((follow, n) => follow.until(2 * (600 - starts[n]!))))
    for (let from = 300; from < 600; from += 10) {
      await produce(
        topic,
        [0, 1].flatMap((partition) => numbered(10, { partition, from })),
      )
    }
    await reading
    follows.forEach((follow, n) => {
      for (const p of [0, 1]) expect(follow.values(p)).toEqual(names(600 - starts[n]!, starts[n]))
    })
    expect(follows.some((follow) => follow.sharedTurns > 0)).toBe(true)
  })

  it('lets one who takes nothing for long go on where it stopped, and the others not wait for it', async () => {
    const topic = await makeTopic()
    const cluster = WatchedCluster.start()
    const slow = await (await new Follow(cluster).from(topic, 0)).caughtUp()
    const fast = await (await new Follow(cluster).from(topic, 0)).caughtUp()
    const both = [slow.until(1), fast.until(1)]
    await produce(topic, numbered(1))
    await Promise.all(both)
    const reading = fast.until(101)
    for (let from = 1; from <= 100; from += 10) await produce(topic, numbered(10, { from, size: 100_000 }))
    await reading
    expect(slow.values()).toHaveLength(1)
    const taken = await slow.until(101)
    expect(taken).toEqual(fast.values())
  })

  it('takes partitions in while it follows, and gives the rest on from where they were', async () => {
    const topic = await makeTopic()
    const cluster = WatchedCluster.start()
    const follows = [await new Follow(cluster).from(topic, 0), await new Follow(cluster).from(topic, 0)]
    for (const follow of follows) await follow.caughtUp()
    const first = follows.map((follow) => follow.until(5))
    await produce(topic, numbered(5))
    await Promise.all(first)
    await withAdmin((admin) => admin.createPartitions({ topicPartitions: [{ topic, count: 2 }] }))
    const info = await expect
      .poll(async () => (await cluster.refreshTopic(topic))?.partitions.length, { timeout: 10_000 })
      .toBe(2)
      .then(() => cluster.cachedTopic(topic)!)
    const second = follows.map((follow) => follow.until(15))
    for (const { reader } of follows) reader.assign([{ topic, topicId: info.id, partition: 1, offset: 0 }])
    await produce(topic, numbered(5, { from: 5, partition: 0 }))
    await produce(topic, numbered(5, { partition: 1 }))
    await Promise.all(second)
    for (const follow of follows) {
      expect(follow.values(0)).toEqual(names(10))
      expect(follow.values(1)).toEqual(names(5))
    }
  })

  it('tells each who follows that a position is gone, and goes on where it is told to', async () => {
    const topic = await makeTopic({ partitions: 2 })
    const cluster = WatchedCluster.start()
    // A batch at a time, and no further before it is taken.
    const tight = { maxBytes: 1, bufferBytes: 1 }
    const follows = [new Follow(cluster, tight), new Follow(cluster, tight)]
    for (const follow of follows) {
      await follow.from(topic, 0)
      await follow.caughtUp()
    }
    const first = follows.map((follow) => follow.until(1))
    for (let from = 0; from < 10; from++) await produce(topic, numbered(1, { from }))
    await Promise.all(first)
    await removeRecordsBelow(topic, 8)
    const info = (await cluster.topic(topic))!
    for (const follow of follows) {
      while (!follow.events.some(({ kind }) => kind === 'lost')) await follow.turn()
      const lost = follow.events.find(({ kind }) => kind === 'lost')
      expect(lost).toMatchObject({ partition: 0, reason: 'out_of_range', earliest: 8, latest: 10 })
      expect(follow.values(0).length).toBeLessThan(8)
    }
    const rest = follows.map((follow) => follow.until(follow.values().length + 3))
    for (const { reader } of follows) reader.assign([{ topic, topicId: info.id, partition: 0, offset: 8 }])
    await produce(topic, numbered(1, { partition: 1 }))
    await Promise.all(rest)
    for (const follow of follows) {
      expect(follow.values(0).slice(-2)).toEqual(names(2, 8))
      expect(follow.values(1)).toEqual(['v0'])
    }
  })

  it('gives its connection back when the last who follows is gone', async () => {
    const topic = await makeTopic()
    const cluster = WatchedCluster.start()
    const follows = [await new Follow(cluster).from(topic, 0), await new Follow(cluster).from(topic, 0)]
    for (const follow of follows) await follow.caughtUp()
    const first = follows.map((follow) => follow.until(1))
    await produce(topic, numbered(1))
    await Promise.all(first)
    const waiting = follows.map((follow) => follow.reader.next())
    for (const { reader } of follows) reader.close()
    expect(await Promise.all(waiting)).toEqual([[], []])
    await expect.poll(() => cluster.leased.size, { timeout: 5_000 }).toBe(0)
  })
})
