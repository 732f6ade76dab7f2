import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { startTemporaryBroker } from '../../../dev/kafka/temporary-broker.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { committedOffsets } from '../../support/groups.ts'
import { http } from '../../support/http.ts'
import { KafkaProxy } from '../../../dev/kafka/kafka-proxy.ts'
import { makeTopic, uniqueName } from '../../support/kafka.ts'
import { numbered, produce } from '../../support/produce.ts'

const OFFSET_COMMIT = 8
const OFFSET_FETCH = 9
const FIND_COORDINATOR = 10
const DESCRIBE_GROUPS = 15
const DELETE_GROUPS = 42
const OFFSET_DELETE = 47
const INIT_PRODUCER_ID = 22
const ALTER_CONFIGS = 44
const DESCRIBE_QUOTAS = 48
const DESCRIBE_USERS = 50
const DESCRIBE_PRODUCERS = 61

let proxy: KafkaProxy
let kafka: Awaited<ReturnType<typeof startTemporaryBroker>>
beforeAll(async () => {
  proxy = await KafkaProxy.start()
  const listeners = `PLAINTEXT://127.0.0.1:${proxy.port}`
  kafka = await startTemporaryBroker({ configs: { 'advertised.listeners': listeners } })
  proxy.target = Number(kafka.bootstrap.split(':')[1])
})
afterEach(() => proxy.forget())
afterAll(async () => {
  await kafka.stop()
  await proxy.close()
})

/** A group at offset 3 of a topic with ten records. */
async function setUp() {
  const client = http(await startTestGateway({ KAFKA_BROKERS: `127.0.0.1:${proxy.port}` }))
  const [topic, group] = [await makeTopic({}, kafka.bootstrap), uniqueName('g')]
  await produce(topic, numbered(10), { bootstrap: kafka.bootstrap })
  const path = `/v1/groups/${group}/offsets`
  expect((await client.put(path, { to: { offset: 3 }, topics: [topic] })).status).toBe(200)
  const offset = async () => (await committedOffsets(group, topic, kafka.bootstrap))[0]
  return { client, topic, group, path, offset }
}

describe('where an answer is cut off', () => {
  it.each([OFFSET_COMMIT, OFFSET_FETCH, FIND_COORDINATOR, DESCRIBE_GROUPS])(
    'of API %i a shift shifts once',
    async (api) => {
      const { client, path, offset } = await setUp()
      const met = proxy.meet(api, { responseBytes: 0 })
      const [answer] = await Promise.all([client.put(path, { to: { shift: 2 } }), met])
      expect(answer).toMatchObject({ status: 200, json: { offsets: [{ before: 3, after: 5 }] } })
      expect(await offset()).toBe(5)
    },
  )

  it('of OffsetDelete and DeleteGroups the deletion is done all the same, and said to be', async () => {
    const { client, topic, group, path, offset } = await setUp()
    const cut = { responseBytes: 0 }
    const [deleted] = await Promise.all([
      client.delete(`${path}?topic=${topic}`),
      proxy.meet(OFFSET_DELETE, cut),
    ])
    expect(deleted).toMatchObject({ status: 200, json: { offsets: [{ before: 3, after: null }] } })
    expect(await offset()).toBe(-1)
    await client.put(path, { to: 'latest', topics: [topic] })
    const [gone] = await Promise.all([client.delete(`/v1/groups/${group}`), proxy.meet(DELETE_GROUPS, cut)])
    expect(gone).toMatchObject({ status: 200, json: { group, offsets: [{ before: 10 }] } })
    expect((await client.get(`/v1/groups/${group}`)).status).toBe(404)
  })
})

describe('where no answer comes in time', () => {
  it('504s for a shift with the offsets to send instead; sent, they are set once', async () => {
    const { client, path, offset } = await setUp()
    proxy.meetAll(OFFSET_COMMIT, { swallow: true })
    const lost = await client.put(path, { to: { shift: 2 } })
    expect(lost).toMatchObject({ status: 504, json: { code: 'outcome_unknown', retryable: false } })
    proxy.forget()
    const { partitions } = lost.json as { partitions: object[] }
    expect(partitions).toMatchObject([{ partition: 0, offset: 5 }])
    const again = await client.put(path, { partitions })
    expect(again).toMatchObject({ status: 200, json: { offsets: [{ before: 5, after: 5 }] } })
    expect(await offset()).toBe(5)
  })

  it('503s for any other reset, which may be sent again as it is', async () => {
    const { client, path, offset } = await setUp()
    proxy.meetAll(OFFSET_COMMIT, { swallow: true })
    const lost = await client.put(path, { to: 'latest' })
    expect(lost).toMatchObject({ status: 503, json: { code: 'kafka_unavailable', retryable: true } })
    proxy.forget()
    expect((await client.put(path, { to: 'latest' })).status).toBe(200)
    expect(await offset()).toBe(10)
  })
})

describe('where a broker is too old for a call', () => {
  it('what needs it is 501 kafka_too_old, and everything else goes on', async () => {
    proxy.hidden = new Set([
      INIT_PRODUCER_ID,
      OFFSET_DELETE,
      DELETE_GROUPS,
      DESCRIBE_QUOTAS,
      DESCRIBE_PRODUCERS,
      DESCRIBE_USERS,
      ALTER_CONFIGS,
    ])
    onTestFinished(() => void (proxy.hidden = new Set()))
    const { client, topic, group, path } = await setUp()
    const topicPath = `/v1/topics/${topic}`
    const tooOld = [
      await client.post(`${topicPath}/producers`),
      await client.post('/v1/transactions', { records: [{ topic, value: 1 }] }),
      await client.delete(`${path}?topic=${topic}`),
      await client.delete(`/v1/groups/${group}`),
      await client.get('/v1/quotas'),
      await client.get(`${topicPath}/partitions/0/producers`),
      await client.get('/v1/users'),
      await client.patch(topicPath, { configs: { 'retention.ms': '1' } }),
    ]
    expect(tooOld.map(({ json }) => (json as { code?: string }).code)).toEqual(
      tooOld.map(() => 'kafka_too_old'),
    )
    expect(new Set(tooOld.map(({ status }) => status))).toEqual(new Set([501]))
    expect((await client.get(`${topicPath}/records?from=earliest`)).status).toBe(200)
  })
})
