import { setImmediate as turn } from 'node:timers/promises'
import { onTestFinished, describe, expect, it } from 'vitest'
import { valueOf } from '../../../src/records/fetched-record.ts'
import type { Cluster } from '../../../src/kafka/cluster.ts'
import { type ReaderEvent, RecordReader, type RecordReaderOptions } from '../../../src/kafka/record-reader.ts'
import { makeAgain, makeTopic, removeTopic } from '../../support/kafka.ts'
import { numbered, produce, removeRecordsBelow, transact, withProducer } from '../../support/produce.ts'
import { until } from '../../support/until.ts'
import { WatchedCluster } from '../../support/watched-cluster.ts'

function startReader(cluster: Cluster, options: Partial<RecordReaderOptions> = {}): RecordReader {
  const reader = new RecordReader(cluster, { isolation: 'read_uncommitted', ...options })
  onTestFinished(() => reader.close())
  return reader
}

async function positions(cluster: Cluster, topic: string, offset = 0) {
  const info = (await cluster.topic(topic))!
  return info.partitions.map(({ partition }) => ({ topic, topicId: info.id, partition, offset }))
}

/** Takes events until there are so many records; all events that came. */
async function take(reader: RecordReader, records: number): Promise<ReaderEvent[]> {
  const events: ReaderEvent[] = []
  for (let count = 0; count < records;) {
    for (const event of await reader.next(AbortSignal.timeout(20_000))) {
      events.push(event)
      if (event.kind === 'records') count += event.records.length
    }
  }
  return events
}

/** Takes events until one of this kind comes. */
async function takeKind<K extends ReaderEvent['kind']>(reader: RecordReader, kind: K) {
  for (;;) {
    const events = await reader.next(AbortSignal.timeout(20_000))
    const found = events.find((event) => event.kind === kind)
    if (found !== undefined) return found as Extract<ReaderEvent, { kind: K }>
  }
}

function valuesOf(events: ReaderEvent[], partition = 0): string[] {
  return events.flatMap((event) =>
    event.kind === 'records' && event.partition === partition
      ? event.records.map((record) => valueOf(record)?.toString() ?? 'null')
      : [],
  )
}

const names = (count: number, from = 0) => Array.from({ length: count }, (_, n) => `v${from + n}`)

describe('RecordReader', () => {
  it('gives every record of every partition once and in order, while more are written', async () => {
    const topic = await makeTopic({ partitions: 3 })
    const cluster = WatchedCluster.start()
    const reader = startReader(cluster, { maxBytes: 4_096 })
    await produce(
      topic,
      [0, 1, 2].flatMap((partition) => numbered(500, { partition })),
    )
    reader.assign(await positions(cluster, topic))
    const writing = withProducer(async (producer) => {
      for (let n = 500; n < 1_000; n += 50) {
        await producer.send({
          topic,
          messages: [0, 1, 2].flatMap((p) => numbered(50, { partition: p, from: n })),
        })
      }
    })
    const events = await take(reader, 3_000)
    await writing
    for (const partition of [0, 1, 2]) expect(valuesOf(events, partition)).toEqual(names(1_000))
    for (const event of events) {
      if (event.kind === 'records') expect(event.nextOffset).toBe(event.records.at(-1)!.offset + 1)
    }
  })

  it('tells once that an empty partition has been read to its end', async () => {
    const topic = await makeTopic({ partitions: 2 })
    const cluster = WatchedCluster.start()
    const reader = startReader(cluster, { maxWaitMs: 20 })
    reader.assign(await positions(cluster, topic))
    const first: ReaderEvent[] = []
    while (first.length < 2) first.push(...(await reader.next()))
    expect(first.map((e) => [e.kind, e.partition]).sort()).toEqual([
      ['progress', 0],
      ['progress', 1],
    ])
    expect(first[0]).toMatchObject({ topic, nextOffset: 0, end: 0 })
    const before = cluster.fetches
    await until(() => cluster.fetches > before + 5)
    await produce(topic, numbered(1))
    const later = await reader.next()
    expect(later.map((e) => e.kind)).toEqual(['records'])
    expect(later[0]).toMatchObject({ nextOffset: 1, end: 1 })
  })

  it('gives nothing of an assignment that has ended, neither what waited nor what was under way', async () => {
    const topic = await makeTopic()
    await produce(topic, numbered(200))
    const cluster = WatchedCluster.start()
    const reader = startReader(cluster, { maxWaitMs: 20 })
    const [start] = await positions(cluster, topic)
    const moves = {
      assign: (offset: number) => reader.assign([{ ...start!, offset }]),
      seek: (offset: number) => reader.seek([{ topic, partition: 0, offset }]),
      unassign: (offset: number) => {
        reader.unassign([{ topic, partition: 0 }])
        reader.assign([{ ...start!, offset }])
      },
    }
    for (const move of Object.values(moves)) {
      for (const moment of ['under way', 'waiting']) {
        const { promise: answered, resolve } = Promise.withResolvers<void>()
        cluster.onAnswer = ({ partitions }) => {
          if (partitions[0]!.records === null) return
          cluster.onAnswer = () => {}
          if (moment === 'under way') move(150)
          resolve()
        }
        reader.assign([start!])
        await answered
        // The answer has been handed on: its records wait to be taken.
        for (let turns = 0; turns < 5; turns++) await turn()
        if (moment === 'waiting') move(150)
        expect(valuesOf(await take(reader, 50))).toEqual(names(50, 150))
        reader.unassign([start!])
      }
    }
    reader.assign([{ ...start!, offset: 200 }])
    expect(await reader.next()).toMatchObject([{ kind: 'progress', nextOffset: 200 }])
  })

  it('fetches no more than its bound while nobody takes, and goes on when somebody does', async () => {
    const topic = await makeTopic()
    for (let n = 0; n < 40; n++) await produce(topic, numbered(10, { from: n * 10, size: 10_000 }))
    const cluster = WatchedCluster.start()
    const reader = startReader(cluster, { maxBytes: 200_000, bufferBytes: 500_000 })
    reader.assign(await positions(cluster, topic))
    await until(() => cluster.fetchedBytes >= 500_000)
    const fetches = cluster.fetches
    await expect(until(() => cluster.fetches > fetches, 500)).rejects.toThrow('did not come to pass')
    expect(cluster.fetchedBytes).toBeLessThan(500_000 + 200_000)
    expect(valuesOf(await take(reader, 400)).map((v) => v.replaceAll('.', ''))).toEqual(names(400))
  })

  it('gives a record larger than one fetch and than the whole bound', async () => {
    const topic = await makeTopic({ configs: { 'max.message.bytes': '4000000' } })
    const value = 'x'.repeat(3_000_000)
    await produce(topic, [{ value: 'before' }, { value: 'small' }])
    await produce(topic, [{ value }])
    await produce(topic, [{ value: 'after' }])
    const cluster = WatchedCluster.start()
    const reader = startReader(cluster, { maxBytes: 1_024, bufferBytes: 1_024 })
    reader.assign(await positions(cluster, topic))
    expect(valuesOf(await take(reader, 4))).toEqual(['before', 'small', value, 'after'])
  })

  it('shows aborted and open transactions under read_uncommitted alone', async () => {
    const topic = await makeTopic()
    await transact(topic, [
      [['a', 'b'], 'commit'],
      [['c', 'd'], 'abort'],
      [['e'], 'commit'],
      [['f'], 'abort'],
      [['g'], 'commit'],
    ])
    const cluster = WatchedCluster.start()
    const committed = startReader(cluster, { isolation: 'read_committed' })
    committed.assign(await positions(cluster, topic))
    expect(valuesOf(await take(committed, 4)).join('')).toBe('abeg')
    const uncommitted = startReader(cluster)
    uncommitted.assign(await positions(cluster, topic))
    const events = await take(uncommitted, 7)
    expect(valuesOf(events).join('')).toBe('abcdefg')
    // Seven records and five markers: the position passes the last marker without a record after it.
    expect(events.at(-1)).toMatchObject({ nextOffset: 12, end: 12 })
  })

  it('goes on where it was when its connection is lost, again and again', async () => {
    const topic = await makeTopic({ partitions: 2 })
    await produce(
      topic,
      [0, 1].flatMap((partition) => numbered(3_000, { partition, size: 100 })),
    )
    const cluster = WatchedCluster.start()
    const reader = startReader(cluster, { maxBytes: 20_000, bufferBytes: 20_000 })
    reader.assign(await positions(cluster, topic))
    const events: ReaderEvent[] = []
    let losses = 0
    for (let count = 0; count < 6_000;) {
      for (const event of await reader.next(AbortSignal.timeout(20_000))) {
        events.push(event)
        if (event.kind === 'records') count += event.records.length
      }
      if (losses++ < 10) for (const connection of cluster.leased) connection.destroy()
    }
    for (const partition of [0, 1]) {
      expect(valuesOf(events, partition).map((v) => v.replaceAll('.', ''))).toEqual(names(3_000))
    }
  })

  it('says within seconds that its topic was deleted', async () => {
    const topic = await makeTopic()
    const cluster = WatchedCluster.start()
    const reader = startReader(cluster)
    reader.assign(await positions(cluster, topic))
    await takeKind(reader, 'progress')
    await removeTopic(topic)
    const deletedAt = performance.now()
    expect(await takeKind(reader, 'lost')).toMatchObject({ topic, partition: 0, reason: 'topic_deleted' })
    expect(performance.now() - deletedAt).toBeLessThan(4_000)
  })

  it('says that its topic was deleted and made again, and reads the new one when told to', async () => {
    const topic = await makeTopic()
    const cluster = WatchedCluster.start()
    const reader = startReader(cluster)
    await produce(topic, numbered(3))
    reader.assign(await positions(cluster, topic))
    await take(reader, 3)
    await makeAgain(topic)
    await produce(topic, numbered(5, { from: 100 }))
    expect(await takeKind(reader, 'lost')).toMatchObject({
      reason: 'topic_recreated',
      earliest: 0,
      latest: 5,
    })
    await cluster.refreshTopic(topic)
    reader.assign(await positions(cluster, topic))
    expect(valuesOf(await take(reader, 5))).toEqual(names(5, 100))
  })

  it('says that its position was removed by retention, with the bounds there are', async () => {
    const topic = await makeTopic()
    await produce(topic, numbered(10))
    await removeRecordsBelow(topic, 6)
    const cluster = WatchedCluster.start()
    const reader = startReader(cluster)
    const [start] = await positions(cluster, topic, 2)
    reader.assign([start!])
    expect(await reader.next()).toEqual([
      { kind: 'lost', topic, partition: 0, reason: 'out_of_range', earliest: 6, latest: 10 },
    ])
    reader.assign([{ ...start!, offset: 6 }])
    expect(valuesOf(await take(reader, 4))).toEqual(names(4, 6))
  })

  it('fetches again what was damaged on the way, and says so when it is damaged twice', async () => {
    const topic = await makeTopic()
    await produce(topic, numbered(1))
    await produce(topic, numbered(1, { from: 1 }))
    const cluster = WatchedCluster.start()
    let damages = 1
    cluster.onAnswer = ({ partitions: [partition] }) => {
      const bytes = partition?.records
      // The last byte is of the second batch: the first stays whole.
      if (bytes && damages-- > 0) bytes[bytes.length - 1]! ^= 1
    }
    const reader = startReader(cluster)
    reader.assign(await positions(cluster, topic))
    expect(valuesOf(await take(reader, 2))).toEqual(names(2))
    damages = 2
    reader.assign(await positions(cluster, topic))
    const events = await take(reader, 1)
    expect(valuesOf(events)).toEqual(names(1))
    expect(await takeKind(reader, 'corrupt')).toEqual({
      kind: 'corrupt',
      topic,
      partition: 0,
      offset: 1,
      reason: 'a record batch whose checksum does not match',
    })
  })

  it('ends a wait when told to, without losing what comes later', async () => {
    const topic = await makeTopic()
    const cluster = WatchedCluster.start()
    const reader = startReader(cluster)
    reader.assign(await positions(cluster, topic))
    await takeKind(reader, 'progress')
    const controller = new AbortController()
    const waiting = reader.next(controller.signal)
    await expect(reader.next()).rejects.toThrow('being waited for already')
    controller.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
    await produce(topic, numbered(1))
    expect(valuesOf(await take(reader, 1))).toEqual(names(1))
  })

  it('gives its connection back when closed, and wakes who waits', async () => {
    const topic = await makeTopic()
    const cluster = WatchedCluster.start()
    for (let round = 0; round < 20; round++) {
      const reader = startReader(cluster)
      reader.assign(await positions(cluster, topic))
      await takeKind(reader, 'progress')
      const waiting = reader.next()
      reader.close()
      expect(await waiting).toEqual([])
      expect(await reader.next()).toEqual([])
    }
    await until(() => cluster.leased.size === 0)
  })

  it('throws from next(), and does not spin, once its cluster is closed', async () => {
    const topic = await makeTopic()
    const cluster = WatchedCluster.start()
    const reader = startReader(cluster)
    reader.assign(await positions(cluster, topic))
    await takeKind(reader, 'progress')
    await cluster.close()
    await expect(reader.next(AbortSignal.timeout(5_000))).rejects.toMatchObject({ code: 'shutting_down' })
  })
})
