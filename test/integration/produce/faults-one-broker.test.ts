import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { startTemporaryBroker } from '../../../dev/kafka/temporary-broker.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { http } from '../../support/http.ts'
import { makeTopic } from '../../support/kafka.ts'
import { brokenPromises, Load } from '../../support/produce-load.ts'
import { readAll } from '../../support/read-all.ts'

let kafka: Awaited<ReturnType<typeof startTemporaryBroker>>
beforeAll(async () => (kafka = await startTemporaryBroker()))
afterAll(() => kafka.stop())

const deadlineMs = 4_000

async function setUp() {
  const gateway = await startTestGateway({
    KAFKA_BROKERS: kafka.bootstrap,
    SLUICE_PRODUCE_TIMEOUT_MS: String(deadlineMs),
  })
  const topic = await makeTopic({ partitions: 3 }, kafka.bootstrap)
  return { gateway, topic, ready: async () => (await http(gateway).get('/readyz')).status }
}

describe('while the only broker dies and comes back', () => {
  it('clients are told the truth, the gateway rests, and they are served again soon after', async () => {
    const { gateway, topic, ready } = await setUp()
    const batch = (client: number) => (client % 2 === 0 ? 1 : 20)
    const loads = [
      new Load(gateway, { topic, clients: 4, batch }),
      new Load(gateway, {
        topic,
        clients: 4,
        batch,
        partition: (client, n) => (client + n) % 3,
        name: 'own',
      }),
    ]
    const written = (from?: number) => Math.min(...loads.map((load) => load.written(from)))
    await vi.waitFor(() => expect(written()).toBeGreaterThan(500), 10_000)
    await kafka.broker.kill9()
    await vi.waitFor(async () => expect(await ready()).toBe(503), 5_000)
    expect((await http(gateway).get('/healthz')).status).toBe(200)
    const died = performance.now()
    const cpu = process.cpuUsage()
    // Long enough for records to run out of time, some that were on their way and some that were not.
    const isOver = () => loads.every((load) => load.told.some((t) => t.outcome === 'not_written'))
    await vi.waitFor(() => expect(isOver()).toBe(true), 10_000)
    const { user, system } = process.cpuUsage(cpu)
    const busy = (user + system) / 1_000 / (performance.now() - died)
    const restarted = kafka.broker.restart()
    await vi.waitFor(() => expect(written(died)).toBeGreaterThan(0), { timeout: 60_000, interval: 10 })
    const served = performance.now()
    await restarted
    // restart() waits for its first answer to metadata: from then on it could be used.
    const late = served - performance.now()
    expect(busy).toBeLessThan(0.2)
    expect(late).toBeLessThan(2_000)
    expect(await ready()).toBe(200)
    await vi.waitFor(() => expect(written(served)).toBeGreaterThan(500), 10_000)
    const told = (await Promise.all(loads.map((load) => load.stop()))).flat()
    expect(brokenPromises(told, await readAll(topic, kafka.bootstrap), { deadlineMs })).toEqual([])
  }, 120_000)

  it('clients that come after a stop in order are served, too', async () => {
    const { gateway, topic } = await setUp()
    const load = new Load(gateway, { topic, clients: 4 })
    await vi.waitFor(() => expect(load.written()).toBeGreaterThan(200), 10_000)
    await kafka.broker.restart()
    const back = performance.now()
    await vi.waitFor(() => expect(load.written(back)).toBeGreaterThan(200), 10_000)
    expect(brokenPromises(await load.stop(), await readAll(topic, kafka.bootstrap), { deadlineMs })).toEqual(
      [],
    )
  }, 120_000)
})

describe('a client that goes away while the broker stands still', () => {
  it('has what was not sent to it yet written nowhere, and what was in flight once', async () => {
    const { gateway, topic } = await setUp()
    const path = `/v1/topics/${topic}/records?partition=0`
    const post = (value: string, signal?: AbortSignal) =>
      http(gateway).post(path, value, {
        headers: { 'content-type': 'text/plain' },
        ...(signal && { signal }),
      })
    expect((await post('first')).status).toBe(200)
    kafka.broker.pause()
    const [early, late] = [new AbortController(), new AbortController()]
    const inFlight = expect(post('in flight', early.signal)).rejects.toThrow('abort')
    // Time to be sent to Kafka: what follows has to wait behind it.
    await pause(500)
    const waiting = expect(post('waiting', late.signal)).rejects.toThrow('abort')
    await pause(500)
    early.abort()
    late.abort()
    await Promise.all([inFlight, waiting])
    await pause(200)
    kafka.broker.resume()
    expect((await post('last')).status).toBe(200)
    const values = (await readAll(topic, kafka.bootstrap)).map((r) => String(r.value))
    expect(values).toEqual(['first', 'in flight', 'last'])
  })
})
