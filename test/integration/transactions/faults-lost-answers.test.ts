import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { startTemporaryBroker } from '../../../dev/kafka/temporary-broker.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { committedOffsets } from '../../support/groups.ts'
import { http } from '../../support/http.ts'
import { makeTopic, uniqueName } from '../../support/kafka.ts'
import { KafkaProxy, PRODUCE } from '../../../dev/kafka/kafka-proxy.ts'
import { allValues, committedValues, setTransactionVersion, transact } from '../../support/transactions.ts'
import { startGatewayProcess } from '../../support/ws-gateway-process.ts'

const FIND_COORDINATOR = 10
const INIT_PRODUCER_ID = 22
const ADD_PARTITIONS = 24
const ADD_OFFSETS = 25
const END_TXN = 26
const TXN_OFFSET_COMMIT = 28
const DESCRIBE = 65

let proxy: KafkaProxy
let kafka: Awaited<ReturnType<typeof startTemporaryBroker>>
beforeAll(async () => {
  proxy = await KafkaProxy.start()
  kafka = await startTemporaryBroker({
    configs: {
      'advertised.listeners': `PLAINTEXT://127.0.0.1:${proxy.port}`,
      // Ten seconds by default: how often Kafka looks for transactions whose time is up.
      'transaction.abort.timed.out.transaction.cleanup.interval.ms': '250',
    },
  })
  proxy.target = Number(kafka.bootstrap.split(':')[1])
})
afterEach(() => proxy.forget())
afterAll(async () => {
  await kafka.stop()
  await proxy.close()
})

function env(deadlineMs: number): Record<string, string> {
  return { KAFKA_BROKERS: `127.0.0.1:${proxy.port}`, SLUICE_PRODUCE_TIMEOUT_MS: String(deadlineMs) }
}

async function setUp(deadlineMs = 10_000) {
  const gateway = await startTestGateway(env(deadlineMs))
  const client = http(gateway)
  const topic = await makeTopic({}, kafka.bootstrap)
  const group = uniqueName('g')
  const send = (value: string, offset = 1) =>
    transact(client, {
      records: [{ topic, value }],
      offsets: { group, offsets: [{ topic, partition: 0, offset }] },
    })
  return {
    gateway,
    client,
    topic,
    send,
    committed: () => committedValues(client, topic, kafka.bootstrap),
    everything: () => allValues(topic, kafka.bootstrap),
    offset: async () => (await committedOffsets(group, topic, kafka.bootstrap))[0],
  }
}

describe.each<[string, 0 | 2, number[]]>([
  ['with KIP-890', 2, [FIND_COORDINATOR, INIT_PRODUCER_ID, TXN_OFFSET_COMMIT, PRODUCE, END_TXN]],
  ['before KIP-890', 0, [INIT_PRODUCER_ID, ADD_PARTITIONS, ADD_OFFSETS, TXN_OFFSET_COMMIT, PRODUCE, END_TXN]],
])('%s', (_, version, apis) => {
  beforeAll(() => setTransactionVersion(kafka.bootstrap, version))

  it.each(apis)('commits once where the answer of API %i is cut off', async (api) => {
    const { send, committed, everything, offset } = await setUp()
    const met = proxy.meet(api, { responseBytes: 0 })
    const [answer] = await Promise.all([send('once', 7), met])
    expect([answer.status, answer.json.results]).toMatchObject([200, [{ partition: 0, offset: 0 }]])
    // Once there: readers see it when its marker is written, which may be a moment later.
    await vi.waitFor(async () => expect(await committed()).toEqual(['once']))
    expect((await send('twice', 8)).status).toBe(200)
    await vi.waitFor(async () => expect(await committed()).toEqual(['once', 'twice']))
    expect(await everything()).toEqual(['once', 'twice'])
    await vi.waitFor(async () => expect(await offset()).toBe(8))
  })

  it('knows the outcome where the answer to the commit never comes', async () => {
    const { send, committed } = await setUp()
    const met = proxy.meet(END_TXN, { swallow: true })
    const [answer] = await Promise.all([send('a'), met])
    expect([answer.status, answer.json.state]).toEqual([200, 'committed'])
    expect(await committed()).toEqual(['a'])
  })

  it('asks what became of it where no answer to the commit comes', async () => {
    const { send, committed } = await setUp(1_500)
    proxy.meetAll(END_TXN, { responseBytes: 0 })
    expect((await send('a')).json).toMatchObject({ state: 'committed', results: [{ offset: 0 }] })
    expect(await committed()).toEqual(['a'])
  })

  it('says 504 and where to ask, where Kafka does not answer that either, and any gateway knows it then', async () => {
    const { send, committed, offset } = await setUp(1_500)
    proxy.meetAll(END_TXN, { responseBytes: 0 })
    for (let i = 0; i < 50; i++) void proxy.meet(DESCRIBE, { responseBytes: 0 })
    const answer = await send('a', 3)
    expect(answer.status).toBe(504)
    expect(answer.json).toMatchObject({ code: 'outcome_unknown', outcome: 'unknown', state: 'unknown' })
    const { transaction } = answer.json
    proxy.forget()
    const other = http(await startTestGateway(env(1_500)))
    expect((await other.get(`/v1/transactions/${transaction}`)).json).toEqual({
      transaction,
      state: 'committed',
    })
    proxy.forget()
    expect((await send('b', 4)).status).toBe(200)
    expect(await committed()).toEqual(['a', 'b'])
    await vi.waitFor(async () => expect(await offset()).toBe(4))
  })

  it('has one whose commit never reached Kafka aborted, and says so to who asks', async () => {
    const { client, send, committed, everything, offset } = await setUp(1_500)
    proxy.meetAll(END_TXN, { requestBytes: 0 })
    const answer = await send('a')
    expect(answer.status).toBe(504)
    proxy.forget()
    const { transaction } = answer.json
    await vi.waitFor(async () => {
      const { json } = await client.get(`/v1/transactions/${transaction}`)
      expect(json).toEqual({ transaction, state: 'aborted' })
    }, 5_000)
    expect(await committed()).toEqual([])
    expect(await everything()).toEqual(['a'])
    expect(await offset()).toBe(-1)
  })
})

describe('whatever the protocol', () => {
  beforeAll(() => setTransactionVersion(kafka.bootstrap, 2))

  it('is certain that nothing was committed where its records never reached Kafka', async () => {
    const { send, committed, offset } = await setUp(1_500)
    proxy.meetAll(PRODUCE, { requestBytes: 0 })
    const before = performance.now()
    const answer = await send('a')
    expect(performance.now() - before).toBeLessThan(2_500)
    expect(answer.status).toBe(503)
    expect(answer.json).toMatchObject({ code: 'kafka_unavailable', state: 'aborted', outcome: 'not_written' })
    proxy.forget()
    expect((await send('b', 2)).status).toBe(200)
    expect(await committed()).toEqual(['b'])
    await vi.waitFor(async () => expect(await offset()).toBe(2))
  })

  it('lets others pass one that hangs', async () => {
    const { send, committed } = await setUp()
    let answered = false
    const met = proxy.meet(END_TXN, { swallow: true })
    const hanging = send('slow').finally(() => (answered = true))
    await met
    for (const value of ['a', 'b', 'c']) expect((await send(value)).status).toBe(200)
    expect(answered).toBe(false)
    expect((await hanging).status).toBe(200)
    expect((await committed()).toSorted()).toEqual(['a', 'b', 'c', 'slow'])
  })

  it('leaves nothing behind that blocks readers for long where the gateway is killed before the commit', async () => {
    const { client, topic, committed, everything } = await setUp()
    const { url, process } = await startGatewayProcess(env(500))
    const killed = proxy.meet(END_TXN, { requestBytes: 0 }).then(() => process.signal('SIGKILL'))
    proxy.meetAll(END_TXN, { requestBytes: 0 })
    await expect(transact(http({ url }), { records: [{ topic, value: 'half' }] })).rejects.toThrow()
    await killed
    proxy.forget()
    const before = performance.now()
    expect((await transact(client, { records: [{ topic, value: 'next' }] })).status).toBe(200)
    expect(await committed()).toEqual(['next'])
    // 500 ms and 5 s are its timeout.
    expect(performance.now() - before).toBeLessThan(5_500 + 3_000)
    expect(await everything()).toEqual(['half', 'next'])
  })

  it('aborts what is under way when the gateway stops', async () => {
    const { gateway, topic, send } = await setUp()
    const other = http(await startTestGateway(env(5_000)))
    proxy.meetAll(PRODUCE, { requestBytes: 0 })
    const met = proxy.meet(PRODUCE, { requestBytes: 0 })
    const cut = send('half').then(
      ({ json }) => expect(json).toMatchObject({ state: 'aborted' }),
      () => {},
    )
    await met
    const stopped = gateway.stop()
    await Promise.all([cut, stopped])
    proxy.forget()
    const before = performance.now()
    expect(await committedValues(other, topic, kafka.bootstrap)).toEqual([])
    // Its timeout would have been 15 s.
    expect(performance.now() - before).toBeLessThan(5_000)
  })
})
