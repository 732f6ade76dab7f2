import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTemporaryBroker } from '../../../dev/kafka/temporary-broker.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { http } from '../../support/http.ts'
import { makeTopic, withAdmin } from '../../support/kafka.ts'
import { TestProducer } from '../../support/producer.ts'
import { withProducer } from '../../support/produce.ts'
import { readAll } from '../../support/read-all.ts'
import { connect } from '../../support/ws.ts'

const SECRETS = '_sluice_secrets'

let kafka: Awaited<ReturnType<typeof startTemporaryBroker>>
beforeAll(async () => (kafka = await startTemporaryBroker()))
afterAll(() => kafka.stop())

function gateways(count: number, env: Record<string, string> = {}) {
  const lines: string[] = []
  const log = pino({ level: 'info' }, { write: (line) => void lines.push(line) })
  const start = () => startTestGateway({ KAFKA_BROKERS: kafka.bootstrap, ...env }, { log })
  return Promise.all(Array.from({ length: count }, start)).then((list) => ({ list, lines }))
}

const topicsThere = () => withAdmin((admin) => admin.listTopics(), kafka.bootstrap)

describe('the secret that producer tokens are signed with', () => {
  it('is not made at the start, nor by a token that cannot be one of ours', async () => {
    const { list } = await gateways(1)
    const topic = await makeTopic({}, kafka.bootstrap)
    const path = `/v1/topics/${topic}/producers/${'A'.repeat(71)}/records/0`
    expect(await http(list[0]!).put(path, { value: 1 })).toMatchObject({ json: { code: 'invalid_producer' } })
    expect(await topicsThere()).not.toContain(SECRETS)
  })

  it('needs no setting where SLUICE_SECRET is set at every replica, nor any topic', async () => {
    const env = { SLUICE_SECRET: 'correct horse battery staple, and more' }
    const { list } = await gateways(2, env)
    const [a, b] = list.map((gateway) => http(gateway))
    const other = http((await gateways(1, { SLUICE_SECRET: 'x'.repeat(32) })).list[0]!)
    const producer = await TestProducer.open(a!, await makeTopic({}, kafka.bootstrap))
    expect(await producer.put(b!, 0, { value: 1 })).toMatchObject({ status: 201 })
    expect(await producer.put(other, 0, { value: 1 })).toMatchObject({ json: { code: 'invalid_producer' } })
    expect(await topicsThere()).not.toContain(SECRETS)
  })

  it('is one for all gateways that need it at the same moment, and for those that come later', async () => {
    const { list, lines } = await gateways(4)
    const topic = await makeTopic({}, kafka.bootstrap)
    const clients = list.map((gateway) => http(gateway))
    const producers = await Promise.all(
      [...clients, ...clients].map((client) => TestProducer.open(client, topic)),
    )
    const later = http((await gateways(1)).list[0]!)
    for (const producer of producers) {
      for (const client of [...clients, later]) {
        expect([200, 201]).toContain((await producer.put(client, 0, { value: 1 })).status)
      }
    }
    expect(await readAll(topic, kafka.bootstrap)).toHaveLength(producers.length)
    expect(lines.filter((line) => line.includes(SECRETS))).toHaveLength(1)
    expect(lines.join('')).not.toMatch(/"level":[56]0/)
    const configs = await withAdmin((admin) => {
      const names = ['cleanup.policy', 'retention.ms', 'retention.bytes']
      return admin.describeConfigs({
        includeSynonyms: false,
        resources: [{ type: 2, name: SECRETS, configNames: names }],
      })
    }, kafka.bootstrap)
    const values = configs.resources[0]!.configEntries.map(({ configName, configValue }) => [
      configName,
      configValue,
    ])
    expect(Object.fromEntries(values)).toEqual({
      'cleanup.policy': 'delete',
      'retention.ms': '-1',
      'retention.bytes': '-1',
    })
  })

  it('is the first record of its topic for ever, and records that follow change nothing', async () => {
    const { list } = await gateways(1)
    const topic = await makeTopic({}, kafka.bootstrap)
    const producer = await TestProducer.open(http(list[0]!), topic)
    await withProducer(
      (witness) => witness.send({ topic: SECRETS, messages: [{ value: 'z'.repeat(43) }] }),
      kafka.bootstrap,
    )
    const later = http((await gateways(1)).list[0]!)
    expect(await producer.put(later, 0, { value: 1 })).toMatchObject({ status: 201 })
    const [first] = await readAll(SECRETS, kafka.bootstrap)
    expect(String(first!.value)).toMatch(/^[\w-]{43}$/)
  })

  it('is nowhere to be seen or touched through the gateway', async () => {
    const { list } = await gateways(1)
    const client = http(list[0]!)
    const topics = `/v1/topics/${SECRETS}`
    const recordsBefore = (await readAll(SECRETS, kafka.bootstrap)).length
    const refused = { status: 403, json: { code: 'internal_topic' } }
    expect((await client.get('/v1/topics')).text).not.toContain(SECRETS)
    for (const path of ['', '/records', '/partitions/0/records/0'])
      expect(await client.get(topics + path)).toMatchObject(refused)
    expect(await client.post(`${topics}/records`, { value: 1 })).toMatchObject(refused)
    expect(await client.post(`${topics}/producers`, {})).toMatchObject(refused)
    expect(await client.put(`${topics}/producers/x/records/0`, { value: 1 })).toMatchObject(refused)
    expect(await client.delete(topics)).toMatchObject(refused)
    expect(await client.post('/v1/topics', { name: SECRETS })).toMatchObject(refused)
    const socket = await connect(list[0]!).opened()
    socket.send({ type: 'subscribe', topics: [SECRETS] })
    await socket.frame('error', {
      where: ({ ref, code }) => ref === 'subscribe' && code === 'internal_topic',
    })
    socket.send({ type: 'produce', id: 1, topic: SECRETS, records: [{ value: 'x' }] })
    await socket.until('a refusal to produce', () => JSON.stringify(socket.frames.at(-1)).includes('produce'))
    expect(JSON.stringify(socket.frames.at(-1))).toContain('internal_topic')
    expect(await readAll(SECRETS, kafka.bootstrap)).toHaveLength(recordsBefore)
  })
})
