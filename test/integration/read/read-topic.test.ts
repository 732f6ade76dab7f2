import { describe, expect, it } from 'vitest'
import { valueOf } from '../../../src/records/fetched-record.ts'
import { readTopic, type TopicReadRequest } from '../../../src/kafka/reader/read-topic.ts'
import { makeTopic } from '../../support/kafka.ts'
import { numbered, produce } from '../../support/produce.ts'
import { until } from '../../support/until.ts'
import { WatchedCluster } from '../../support/watched-cluster.ts'

/** Reads a topic of one partition from its start; its values. */
async function read(cluster: WatchedCluster, topic: string, options: Partial<TopicReadRequest> = {}) {
  const values: string[] = []
  const info = (await cluster.topic(topic))!
  const result = await readTopic(cluster, {
    topic: info,
    offsets: new Map([[0, 0]]),
    limit: 100,
    isolation: 'read_uncommitted',
    waitMs: 0,
    take: (_partition, record) => {
      values.push(String(valueOf(record)))
      return true
    },
    ended: () => false,
    signal: new AbortController().signal,
    ...options,
  })
  return { values, ...result }
}

describe('readTopic', () => {
  it('uses eight connections for a thousand reads at once, and gives them all back', async () => {
    const topic = await makeTopic()
    await produce(topic, numbered(3))
    const cluster = WatchedCluster.start()
    const reads = await Promise.all(Array.from({ length: 1_000 }, () => read(cluster, topic)))
    for (const { values, caughtUp } of reads) {
      expect(values).toEqual(['v0', 'v1', 'v2'])
      expect(caughtUp).toBe(true)
    }
    expect(cluster.leased.size).toBe(0)
    expect(cluster.opened).toBeLessThanOrEqual(8)
  })

  it('stops waiting when nobody wants the answer any more, and its connection goes back', async () => {
    const topic = await makeTopic()
    const cluster = WatchedCluster.start()
    const controller = new AbortController()
    const waiting = read(cluster, topic, { waitMs: 20_000, signal: controller.signal })
    await until(() => cluster.fetches > 0 && cluster.leased.size === 1)
    controller.abort(new Error('gone'))
    await expect(waiting).rejects.toThrow('gone')
    await until(() => cluster.leased.size === 0)
    await produce(topic, numbered(1))
    expect((await read(cluster, topic)).values).toEqual(['v0'])
    expect(cluster.opened).toBe(1)
  })

  it('goes on through a lost connection', async () => {
    const topic = await makeTopic()
    await produce(topic, numbered(3))
    const cluster = WatchedCluster.start()
    const waiting = read(cluster, topic, { offsets: new Map([[0, 3]]), waitMs: 20_000 })
    await until(() => cluster.leased.size === 1 && cluster.fetches > 0)
    for (const connection of cluster.leased) connection.destroy()
    await produce(topic, numbered(1, { from: 3 }))
    expect(await waiting).toMatchObject({ values: ['v3'], caughtUp: true })
  })

  it('says that damaged bytes cannot be read, after all that can', async () => {
    const topic = await makeTopic()
    await produce(topic, numbered(2))
    await produce(topic, numbered(1, { from: 2 }))
    const cluster = WatchedCluster.start()
    cluster.onAnswer = ({ partitions: [partition] }) => {
      const bytes = partition?.records
      if (bytes) bytes[bytes.length - 1]! ^= 1
    }
    const { values, offsets } = await read(cluster, topic)
    expect(values).toEqual(['v0', 'v1'])
    expect(offsets).toEqual(new Map([[0, 2]]))
    await expect(read(cluster, topic, { offsets })).rejects.toMatchObject({
      code: 'internal_error',
      message: 'Partition 0 cannot be read at offset 2: a record batch whose checksum does not match.',
    })
  })
})
