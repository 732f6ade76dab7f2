import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { startTemporaryCluster, type TemporaryCluster } from '../../../dev/kafka/cluster.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { http, type HttpClient } from '../../support/http.ts'
import { uniqueName, withAdmin } from '../../support/kafka.ts'
import { putUntilAnswered, TestProducer } from '../../support/producer.ts'
import { readAll } from '../../support/read-all.ts'
import { until } from '../../support/until.ts'

let kafka: TemporaryCluster
beforeAll(async () => (kafka = await startTemporaryCluster(3)))
afterAll(() => kafka.stop())

/** A topic of one partition on these brokers, the first of them leading, and two gateways. */
async function setUp(replicas: number[], configs: Record<string, string> = {}) {
  const topic = uniqueName()
  const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }))
  const made = { topic, replicaAssignment: [{ partition: 0, replicas }], configEntries }
  await withAdmin(async (admin) => {
    // kafkajs gives up where a broker has not heard of the topic yet.
    await admin.createTopics({ waitForLeaders: false, topics: [made] })
    await vi.waitFor(() => admin.fetchTopicOffsets(topic), { timeout: 20_000, interval: 20 })
  }, kafka.bootstrap)
  const env = { KAFKA_BROKERS: kafka.bootstrap, SLUICE_PRODUCE_TIMEOUT_MS: '3000' }
  const [a, b] = [http(await startTestGateway(env)), http(await startTestGateway(env))]
  const producer = await TestProducer.open(a, topic)
  const values = async () => (await readAll(topic, kafka.bootstrap)).map(({ value }) => String(value))
  return { topic, a, b, producer, values }
}

async function leaderOf(topic: string): Promise<number> {
  const metadata = await withAdmin((admin) => admin.fetchTopicMetadata({ topics: [topic] }), kafka.bootstrap)
  return metadata.topics[0]!.partitions[0]!.leader
}

/** One writer that sends each record at either replica until it is answered, and every third one again. */
class Writer {
  readonly #producer: TestProducer
  readonly #replicas: readonly HttpClient[]
  #stopped = false
  readonly #done: Promise<void>
  /** How many are written. */
  written = 0

  constructor(producer: TestProducer, replicas: readonly HttpClient[]) {
    this.#producer = producer
    this.#replicas = replicas
    this.#done = this.#run()
    this.#done.catch(() => {})
    onTestFinished(() => void (this.#stopped = true))
  }

  async #run(): Promise<void> {
    const any = () => this.#replicas[Math.floor(Math.random() * this.#replicas.length)]!
    for (; !this.#stopped; this.written++) {
      for (let tries = this.written % 3 === 0 ? 2 : 1; tries > 0; tries--) {
        const body = { value: `v${this.written}` }
        const answer = await putUntilAnswered(this.#producer, any, this.written, body)
        if (answer.status > 201) throw new Error(answer.text)
        expect(answer.json).toMatchObject({ offset: this.written, nextSequence: this.written + 1 })
      }
    }
  }

  /** Waits until so many more are written. */
  async more(count: number): Promise<void> {
    const goal = this.written + count
    await Promise.race([until(() => this.written >= goal, 60_000), this.#done])
    expect(this.written).toBeGreaterThanOrEqual(goal)
  }

  /** The values that have to be in the log. */
  async stop(): Promise<string[]> {
    this.#stopped = true
    await this.#done
    return Array.from({ length: this.written }, (_, n) => `v${n}`)
  }
}

describe('PUTs to a cluster of three, at two replicas and some of them repeated, are each in the log once and in order', () => {
  it('while their leader is killed and comes back, and also where too few replicas are left meanwhile', async () => {
    const { topic, a, b, producer, values } = await setUp([2, 3, 1], { 'min.insync.replicas': '2' })
    const writer = new Writer(producer, [a, b])
    await writer.more(50)
    const scarce = await setUp([1, 2], { 'min.insync.replicas': '2' })
    await scarce.producer.put(a, 0, { value: 'before' })
    const victim = kafka.brokers[1]!
    await victim.kill9()
    await writer.more(50)
    expect(await leaderOf(topic)).not.toBe(2)
    await until(async () => {
      const { json } = await scarce.producer.put(a, 1, { value: 'during' })
      expect(json).toMatchObject({ retryable: true, outcome: 'unknown' })
      return (json as { code: string }).code === 'not_enough_replicas'
    }, 60_000)
    await victim.restart()
    await writer.more(50)
    const expected = await writer.stop()
    expect(await values()).toEqual(expected)
    const answer = await putUntilAnswered(scarce.producer, () => b, 1, { value: 'during' })
    expect(answer).toMatchObject({ json: { offset: 1 } })
    expect(await scarce.values()).toEqual(['before', 'during'])
  }, 120_000)

  it('while leadership moves', async () => {
    const { topic, a, b, producer, values } = await setUp([1, 2])
    const writer = new Writer(producer, [a, b])
    await writer.more(20)
    for (const replicas of [
      [2, 3],
      [3, 1],
      [1, 2],
    ]) {
      const topics = [{ topic, partitionAssignment: [{ partition: 0, replicas }] }]
      await withAdmin((admin) => admin.alterPartitionReassignments({ topics }), kafka.bootstrap)
      await until(async () => (await leaderOf(topic)) === replicas[0], 30_000)
      await writer.more(20)
    }
    const expected = await writer.stop()
    expect(await values()).toEqual(expected)
  }, 120_000)
})
