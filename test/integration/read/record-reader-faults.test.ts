import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { startTemporaryCluster, type TemporaryCluster } from '../../../dev/kafka/cluster.ts'
import { valueOf } from '../../../src/records/fetched-record.ts'
import { RecordReader } from '../../../src/kafka/record-reader.ts'
import { makeTopic, withAdmin } from '../../support/kafka.ts'
import { readAll, type WitnessedRecord } from '../../support/read-all.ts'
import { until } from '../../support/until.ts'
import { WatchedCluster } from '../../support/watched-cluster.ts'

let kafka: TemporaryCluster
beforeAll(async () => {
  kafka = await startTemporaryCluster(3)
})
afterAll(() => kafka.stop())

/** The broker that leads the topic's first partition, as the witness sees it. */
async function leaderOf(topic: string) {
  const { topics } = await withAdmin(
    (admin) => admin.fetchTopicMetadata({ topics: [topic] }),
    kafka.bootstrap,
  )
  return kafka.brokers.find(({ nodeId }) => nodeId === topics[0]!.partitions[0]!.leader)!
}

/** Writes one record after the other to the first partition, each until it is confirmed. */
function startWriting(topic: string) {
  const state = { confirmed: 0, stopped: false, fallen: '' }
  /** A client of its own until it fails, kept away from the fallen broker: kafkajs waits for one that stands still. */
  const writeUntilFailure = async () => {
    const client = new Kafka({
      brokers: kafka.bootstrap.split(',').filter((address) => address !== state.fallen),
      requestTimeout: 1_500,
      connectionTimeout: 1_000,
      retry: { retries: 1, initialRetryTime: 50 },
      logLevel: logLevel.NOTHING,
    })
    const producer = client.producer()
    try {
      await producer.connect()
      while (!state.stopped) {
        const messages = [{ partition: 0, value: `v${state.confirmed}` }]
        await producer.send({ topic, messages, acks: -1, timeout: 1_000 })
        state.confirmed++
      }
    } catch {
      // The next client tries the same record again.
    } finally {
      void producer.disconnect().catch(() => {})
    }
  }
  const running = (async () => {
    while (!state.stopped) await writeUntilFailure()
  })()
  const stop = async () => {
    state.stopped = true
    await running
  }
  onTestFinished(stop)
  return { state, stop }
}

/** A reader of the topic's first partition that keeps what it gave. */
async function startReading(topic: string) {
  const cluster = WatchedCluster.start(kafka.bootstrap)
  const reader = new RecordReader(cluster, { isolation: 'read_uncommitted' })
  onTestFinished(() => reader.close())
  const info = (await cluster.topic(topic))!
  const read: { offset: number; value: string }[] = []
  reader.assign([{ topic, topicId: info.id, partition: 0, offset: 0 }])
  void (async () => {
    for (;;) {
      const events = await reader.next()
      if (events.length === 0) return
      for (const event of events) {
        expect(['records', 'progress']).toContain(event.kind)
        if (event.kind !== 'records') continue
        for (const record of event.records)
          read.push({ offset: record.offset, value: String(valueOf(record)) })
      }
    }
  })()
  return { reader, cluster, read }
}

describe('RecordReader in a cluster of three brokers', { timeout: 120_000 }, () => {
  beforeEach(async () => {
    for (const broker of kafka.brokers) broker.resume()
    await Promise.all(kafka.brokers.map(async (broker) => (await isUp(broker.bootstrap)) || broker.restart()))
  })

  /** Everything that the witness finds in the log was read, once and in order. */
  async function expectAllRead(topic: string, read: { offset: number; value: string }[], confirmed: number) {
    let witnessed: WitnessedRecord[] = []
    // The group coordinator may still be moving, and a leader that stood still takes itself for the leader at first.
    await until(async () => {
      witnessed = await readAll(topic, kafka.bootstrap).catch(() => [])
      return witnessed.length >= confirmed
    }, 60_000)
    const log = witnessed.map((r) => ({
      offset: Number(r.offset),
      value: String(r.value),
    }))
    await until(() => read.length >= log.length)
    expect(read).toEqual(log)
  }

  it.each([
    ['is killed', (broker: Leader) => broker.kill9()],
    ['is shut down in order', (broker: Leader) => broker.stop()],
    ['stands still without closing a connection', (broker: Leader) => Promise.resolve(broker.pause())],
  ])('goes on at the next leader when the leader %s', async (_what, fell) => {
    const topic = await makeTopic(
      { replicationFactor: 3, configs: { 'min.insync.replicas': '2' } },
      kafka.bootstrap,
    )
    const { state, stop } = startWriting(topic)
    const { read } = await startReading(topic)
    await until(() => read.length >= 50)
    const leader = await leaderOf(topic)
    await fell(leader)
    state.fallen = leader.bootstrap
    const { confirmed } = state
    // The writer shows when there is a new leader; the reader must not be far behind.
    await until(() => state.confirmed > confirmed + 20, 60_000)
    const writesAgainAt = performance.now()
    await until(() => read.some(({ value }) => value === `v${confirmed + 10}`), 5_000)
    expect(performance.now() - writesAgainAt).toBeLessThan(5_000)
    leader.resume()
    await stop()
    await expectAllRead(topic, read, state.confirmed)
  })

  it('says why nothing comes while all brokers are down, and goes on when they are back', async () => {
    const topic = await makeTopic({ replicationFactor: 3 }, kafka.bootstrap)
    const { reader, cluster, read } = await startReading(topic)
    const first = startWriting(topic)
    await until(() => read.length >= 10)
    await first.stop()
    await Promise.all(kafka.brokers.map((broker) => broker.kill9()))
    await until(() => reader.trouble?.code === 'kafka_unavailable')
    // Tries come a second apart by now: whoever waits longer does not ask more often.
    const { attempts } = cluster
    await expect(until(() => cluster.attempts > attempts + 10, 3_000)).rejects.toThrow()
    await Promise.all(kafka.brokers.map((broker) => broker.restart()))
    const second = startWriting(topic)
    await until(() => second.state.confirmed >= 10, 60_000)
    await until(() => reader.trouble === undefined)
    await second.stop()
    await expectAllRead(topic, read, first.state.confirmed + second.state.confirmed)
  })
})

type Leader = TemporaryCluster['brokers'][number]

async function isUp(bootstrap: string): Promise<boolean> {
  return withAdmin((admin) => admin.describeCluster(), bootstrap).then(
    () => true,
    () => false,
  )
}
