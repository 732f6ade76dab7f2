import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { startTemporaryCluster, type TemporaryCluster } from '../../../dev/kafka/cluster.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { http } from '../../support/http.ts'
import { makeTopic, withAdmin } from '../../support/kafka.ts'
import { brokenPromises, Load, type Told } from '../../support/produce-load.ts'
import { putUntilAnswered, TestProducer } from '../../support/producer.ts'
import { readAll } from '../../support/read-all.ts'

let kafka: TemporaryCluster
beforeAll(async () => (kafka = await startTemporaryCluster(3)))
afterAll(() => kafka.stop())

const slow = { timeout: 40_000, interval: 50 }

function topicOn(replicas: number[][], configs: Record<string, string> = {}): Promise<string> {
  return makeTopic({ replicas, configs }, kafka.bootstrap)
}

async function partitionsOf(topic: string) {
  const { topics } = await withAdmin(
    (admin) => admin.fetchTopicMetadata({ topics: [topic] }),
    kafka.bootstrap,
  )
  return topics[0]!.partitions
}

/** Waits until every replica of a topic is in sync again: what a fault left behind must not reach the next test. */
async function healed(topic: string): Promise<void> {
  await vi.waitFor(async () => {
    for (const { replicas, isr } of await partitionsOf(topic)) expect(isr.length).toBe(replicas.length)
  }, slow)
}

function gatewayWith(deadlineMs: number) {
  return startTestGateway({ KAFKA_BROKERS: kafka.bootstrap, SLUICE_PRODUCE_TIMEOUT_MS: String(deadlineMs) })
}

async function valuesOf(topic: string): Promise<string[]> {
  return (await readAll(topic, kafka.bootstrap)).map(({ value }) => String(value))
}

async function promisesBroken(told: readonly Told[], topic: string, deadlineMs: number): Promise<string[]> {
  return brokenPromises(told, await readAll(topic, kafka.bootstrap), { deadlineMs })
}

describe('a cluster of three', () => {
  it('keeps other partitions going and its deadlines while a leader hangs, and late writes are only of unknowns', async () => {
    const deadlineMs = 4_000
    // One copy each: nothing but the hung broker's own partition has to wait for it.
    const single = await topicOn([[1], [2], [3]])
    const copied = await topicOn(
      [
        [1, 2, 3],
        [2, 3, 1],
        [3, 1, 2],
      ],
      { 'min.insync.replicas': '2' },
    )
    const gateway = await gatewayWith(deadlineMs)
    const ours = new Load(gateway, { topic: single, clients: 6, partition: (client) => client % 3 })
    const theirs = new Load(gateway, {
      topic: copied,
      clients: 6,
      batch: () => 5,
      partition: (client, n) => (client + n) % 3,
    })
    const keyless = new Load(gateway, { topic: single, clients: 2, name: 'any' })
    const all = [ours, theirs, keyless]
    await vi.waitFor(() => expect(Math.min(...all.map((l) => l.written()))).toBeGreaterThan(500), slow)
    let since = performance.now()
    const lasted = (ms: number) =>
      vi.waitFor(() => expect(performance.now() - since).toBeGreaterThan(ms), slow)
    const elsewhere = ({ partition }: Told) => partition !== 2
    await lasted(2_000)
    const usual = ours.written(since, since + 2_000, elsewhere)
    const victim = kafka.brokers[2]!
    onTestFinished(() => victim.resume())
    victim.pause()
    since = performance.now()
    await lasted(2_000)
    const meanwhile = ours.written(since, since + 2_000, elsewhere)
    // Until what was on its way has run out of time, and the other two have taken over what they can.
    await vi.waitFor(() => expect(ours.told.every((t) => t.outcome === 'written')).toBe(false), slow)
    await vi.waitFor(() => expect(theirs.written(since + deadlineMs)).toBeGreaterThan(100), slow)
    victim.resume()
    const resumed = performance.now()
    await vi.waitFor(() => {
      expect(ours.written(resumed, Infinity, (t) => t.partition === 2)).toBeGreaterThan(50)
    }, slow)
    await healed(copied)
    const told = await Promise.all(all.map((load) => load.stop()))
    expect(meanwhile).toBeGreaterThan(usual / 2)
    // Of what may go anywhere, the hung partition gets next to nothing.
    expect(keyless.told.filter((t) => t.outcome !== 'written').length).toBeLessThan(20)
    expect(await promisesBroken(told[1]!, copied, deadlineMs)).toEqual([])
    expect(await promisesBroken([...told[0]!, ...told[2]!], single, deadlineMs)).toEqual([])
  }, 120_000)

  it('is 503 not_enough_replicas where too few are in sync; the record is not in the topic, that of a PUT once when repeated', async () => {
    const deadlineMs = 2_000
    const scarce = { 'min.insync.replicas': '2' }
    const topic = await topicOn([[1, 3]], scarce)
    const numbered = await topicOn([[1, 3]], scarce)
    const [client, other] = [http(await gatewayWith(deadlineMs)), http(await gatewayWith(deadlineMs))]
    const post = (value: string) => client.post(`/v1/topics/${topic}/records`, { value })
    const producer = await TestProducer.open(client, numbered)
    expect((await post('before')).status).toBe(200)
    expect((await producer.put(client, 0, { value: 'before' })).status).toBe(201)
    const victim = kafka.brokers[2]!
    await victim.kill9()
    let n = 0
    const told: { value: string; outcome: string | undefined }[] = []
    await vi.waitFor(async () => {
      const value = `during-${n++}`
      const { status, json } = await post(value)
      const { code, outcome } = json as { code?: string; outcome?: string }
      told.push({ value, outcome: status === 200 ? 'written' : outcome })
      expect({ status, code }).toEqual({ status: 503, code: 'not_enough_replicas' })
      expect(outcome).toBe('not_written')
    }, slow)
    await vi.waitFor(async () => {
      const { json } = await producer.put(client, 1, { value: 'during' })
      expect(json).toMatchObject({ code: 'not_enough_replicas', retryable: true, outcome: 'unknown' })
    }, slow)
    await victim.restart()
    await healed(topic)
    await vi.waitFor(async () => expect((await post('after')).status).toBe(200), slow)
    const repeated = await putUntilAnswered(producer, () => other, 1, { value: 'during' })
    expect(repeated.json).toMatchObject({ offset: 1 })
    expect(await valuesOf(numbered)).toEqual(['before', 'during'])
    const values = await valuesOf(topic)
    for (const { value, outcome } of told) {
      if (outcome === 'not_written') expect(values).not.toContain(value)
    }
    expect(new Set(values).size).toBe(values.filter((value) => value !== 'after').length + 1)
  }, 120_000)

  it('loses, doubles and refuses nothing while leadership moves every second', async () => {
    const deadlineMs = 10_000
    const pairs = [
      [1, 2],
      [2, 3],
      [3, 1],
    ]
    const topic = await topicOn(pairs)
    const numbered = await topicOn([pairs[0]!])
    const [gateway, other] = [await gatewayWith(deadlineMs), await gatewayWith(deadlineMs)]
    const replicas = [http(gateway), http(other)]
    const producer = await TestProducer.open(replicas[0]!, numbered)
    let isOver = false
    let sequence = 0
    // Every third one is sent again, at the other replica.
    const putting = (async () => {
      for (; !isOver; sequence++) {
        for (let tries = sequence % 3 === 0 ? 2 : 1; tries > 0; tries--) {
          const at = (n: number) => replicas[(n + tries) % 2]!
          const { json } = await putUntilAnswered(producer, at, sequence, { value: `v${sequence}` })
          expect(json).toMatchObject({ offset: sequence, nextSequence: sequence + 1 })
        }
      }
    })()
    putting.catch(() => {})
    onTestFinished(() => void (isOver = true))
    const load = new Load(gateway, {
      topic,
      clients: 6,
      batch: (client) => (client % 2 === 0 ? 1 : 10),
      partition: (client, n) => (client + n) % 3,
    })
    await vi.waitFor(() => expect(load.written()).toBeGreaterThan(500), slow)
    let moves = 0
    let leaders = (await partitionsOf(topic)).map((p) => p.leader)
    for (let round = 1; round <= 6; round++) {
      const partitionAssignment = [0, 1, 2].map((partition) => {
        return { partition, replicas: pairs[(partition + round) % 3]! }
      })
      const topics = [
        { topic, partitionAssignment },
        { topic: numbered, partitionAssignment: [partitionAssignment[0]!] },
      ]
      await withAdmin((admin) => admin.alterPartitionReassignments({ topics }), kafka.bootstrap)
      const started = performance.now()
      await vi.waitFor(() => expect(load.written(started + 1_000)).toBeGreaterThan(0), slow)
      const now = (await partitionsOf(topic)).map((p) => p.leader)
      moves += now.filter((leader, i) => leader !== leaders[i]).length
      leaders = now
    }
    const told = await load.stop()
    isOver = true
    await putting
    expect(await valuesOf(numbered)).toEqual(Array.from({ length: sequence }, (_, n) => `v${n}`))
    expect(moves).toBeGreaterThan(3)
    expect(told.filter((t) => t.outcome !== 'written')).toEqual([])
    expect(await promisesBroken(told, topic, deadlineMs)).toEqual([])
  }, 120_000)
})
