import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { startTemporaryBroker } from '../../../dev/kafka/temporary-broker.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { http } from '../../support/http.ts'
import { makeTopic } from '../../support/kafka.ts'
import { type Fault, KafkaProxy, PRODUCE } from '../../../dev/kafka/kafka-proxy.ts'
import { brokenPromises, Load } from '../../support/produce-load.ts'
import { readAll } from '../../support/read-all.ts'
import { connect } from '../../support/ws.ts'

const METADATA = 3
const INIT_PRODUCER_ID = 22

let proxy: KafkaProxy
let kafka: Awaited<ReturnType<typeof startTemporaryBroker>>
beforeAll(async () => {
  proxy = await KafkaProxy.start()
  const advertised = `PLAINTEXT://127.0.0.1:${proxy.port}`
  kafka = await startTemporaryBroker({ configs: { 'advertised.listeners': advertised } })
  proxy.target = Number(kafka.bootstrap.split(':')[1])
})
afterEach(() => proxy.forget())
afterAll(async () => {
  await kafka.stop()
  await proxy.close()
})

async function setUp(partitions = 1, deadlineMs = 10_000) {
  const gateway = await startTestGateway({
    KAFKA_BROKERS: `127.0.0.1:${proxy.port}`,
    SLUICE_PRODUCE_TIMEOUT_MS: String(deadlineMs),
  })
  const topic = await makeTopic({ partitions }, kafka.bootstrap)
  const client = http(gateway)
  const post = (body: unknown) => client.post(`/v1/topics/${topic}/records`, body)
  const values = async () => (await readAll(topic, kafka.bootstrap)).map((r) => String(r.value))
  return { gateway, topic, post, values }
}

const faults: [string, Fault][] = [
  ['the answer is cut off before its first byte', { responseBytes: 0 }],
  ['the answer is cut off in the middle', { responseBytes: 20 }],
  ['the request is cut off in its head', { requestBytes: 9 }],
  ['the request is cut off one byte before its end', { requestBytes: -1 }],
  ['the answer never comes', { swallow: true }],
  ['the answer comes late', { delayMs: 700 }],
]

describe('a record is written exactly once, and said to be where it is, when', () => {
  it.each(faults)('%s', async (_, fault) => {
    const { post, values } = await setUp()
    expect((await post({ value: 'first' })).json).toMatchObject({ offset: 0 })
    const met = proxy.meet(PRODUCE, fault)
    const [second] = await Promise.all([post({ value: 'second' }), met])
    expect(second.status).toBe(200)
    expect(second.json).toMatchObject({ partition: 0, offset: 1 })
    expect((await post({ value: 'third' })).json).toMatchObject({ offset: 2 })
    expect(await values()).toEqual(['first', 'second', 'third'])
  })

  it('the answers of its next tries are lost, too', async () => {
    const { post, values } = await setUp()
    const lost = [{ responseBytes: 0 }, { requestBytes: 30 }, { responseBytes: 3 }].map((f) =>
      proxy.meet(PRODUCE, f),
    )
    const [answer] = await Promise.all([post({ records: [{ value: 'a' }, { value: 'b' }] }), ...lost])
    expect(answer.json).toMatchObject({ results: [{ offset: 0 }, { offset: 1 }] })
    expect(await values()).toEqual(['a', 'b'])
  })

  it('everything is cut while many are under way, again and again', async () => {
    const deadlineMs = 10_000
    const { gateway, topic } = await setUp(3, deadlineMs)
    const load = new Load(gateway, { topic, clients: 12, batch: (client) => (client % 3 === 0 ? 15 : 1) })
    for (let cuts = 0; cuts < 12; cuts++) {
      const before = load.written()
      await vi.waitFor(() => expect(load.written()).toBeGreaterThan(before + 40), {
        timeout: 10_000,
        interval: 5,
      })
      proxy.cut()
    }
    expect(proxy.connections).toBeLessThan(10)
    const told = await load.stop()
    expect(told.filter((t) => t.outcome !== 'written')).toEqual([])
    expect(brokenPromises(told, await readAll(topic, kafka.bootstrap), { deadlineMs })).toEqual([])
  })

  it('no producer id can be had for a while', async () => {
    const lost = [1, 2, 3].map(() => proxy.meet(INIT_PRODUCER_ID, { responseBytes: 0 }))
    const { post, values } = await setUp()
    const [answer] = await Promise.all([post({ value: 'a' }), ...lost])
    expect(answer.json).toMatchObject({ offset: 0 })
    expect(await values()).toEqual(['a'])
  })

  it('metadata is cut off', async () => {
    const { post, values } = await setUp()
    const lost = [1, 2].map(() => proxy.meet(METADATA, { responseBytes: 10 }))
    const [answer] = await Promise.all([post({ value: 'a' }), ...lost])
    expect(answer.json).toMatchObject({ offset: 0 })
    expect(await values()).toEqual(['a'])
  })
})

describe('a record whose answers are all lost', () => {
  it('is 504 outcome_unknown at its deadline, and is not written twice', async () => {
    const { post, values } = await setUp(1, 1_500)
    expect((await post({ value: 'first' })).status).toBe(200)
    proxy.meetAll(PRODUCE, { responseBytes: 0 })
    const before = performance.now()
    const answer = await post({ value: 'lost' })
    expect(answer.status).toBe(504)
    expect(answer.json).toMatchObject({ code: 'outcome_unknown', outcome: 'unknown', retryable: false })
    expect(performance.now() - before).toBeLessThan(2_500)
    proxy.forget()
    expect((await post({ value: 'next' })).status).toBe(200)
    expect(await values()).toEqual(['first', 'lost', 'next'])
  })

  it('is 503 not_written where no request got through whole', async () => {
    const { post, values } = await setUp(1, 1_500)
    proxy.target = undefined
    proxy.cut()
    const answer = await post({ value: 'never' })
    proxy.target = Number(kafka.bootstrap.split(':')[1])
    expect(answer.status).toBe(503)
    expect(answer.json).toMatchObject({ code: 'kafka_unavailable', outcome: 'not_written', retryable: true })
    await vi.waitFor(async () => expect((await post({ value: 'next' })).status).toBe(200), 5_000)
    expect(await values()).toEqual(['next'])
  })
})

it('over a WebSocket, what has no outcome when the gateway must end is told unknown before the socket closes', async () => {
  const { gateway, topic } = await setUp()
  const client = connect(gateway)
  await client.opened()
  const met = proxy.meet(PRODUCE, { swallow: true })
  client.send({ type: 'produce', id: 'slow', topic, records: [{ value: 'written' }] })
  await met
  await gateway.stop()
  expect(await client.closed).toMatchObject({ code: 4503 })
  const [answer] = client.all('error')
  expect(answer).toMatchObject({ ref: 'produce', id: 'slow', code: 'outcome_unknown', outcome: 'unknown' })
})
