import { describe, expect, it, vi } from 'vitest'
import { startTestGateway } from '../../support/gateway.ts'
import { http } from '../../support/http.ts'
import { makeTopic } from '../../support/kafka.ts'
import { readAll } from '../../support/read-all.ts'
import { silentKafka } from '../../support/silent-kafka.ts'

const octets = { headers: { 'content-type': 'application/octet-stream' } }

describe('acks', () => {
  it('1 and all answer with the place, 0 with 202 and no place; each record is written once', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    const client = http(gateway)
    const post = (query: string, body: unknown, options = {}) =>
      client.post(`/v1/topics/${topic}/records${query}`, body, options)
    expect((await post('?acks=all', { value: 'a' })).json).toMatchObject({ partition: 0, offset: 0 })
    expect((await post('?acks=1', { records: [{ value: 'b' }, { value: 'c' }] })).json).toMatchObject({
      results: [{ offset: 1 }, { offset: 2 }],
    })
    const one = await post('?acks=0&key=k', 'd', octets)
    expect([one.status, one.json]).toEqual([202, { accepted: 1 }])
    const two = await post('?acks=0', { records: [{ value: 'e' }, { value: 'f' }] })
    expect([two.status, two.json]).toEqual([202, { accepted: 2 }])
    await vi.waitFor(async () => expect(await readAll(topic)).toHaveLength(6), 10_000)
    expect((await readAll(topic)).map((r) => String(r.value))).toEqual(['a', 'b', 'c', 'd', 'e', 'f'])
  })

  it('0 still says what is known at once: no such topic, no such partition', async () => {
    const client = http(await startTestGateway())
    const topic = await makeTopic()
    expect((await client.post('/v1/topics/no-such-topic/records?acks=0', { value: 1 })).status).toBe(404)
    const answer = await client.post(`/v1/topics/${topic}/records?acks=0`, { value: 1, partition: 7 })
    expect([answer.status, answer.json]).toMatchObject([404, { code: 'partition_not_found' }])
  })

  it('0 holds its room in the buffer until Kafka has the record', async () => {
    const env = { KAFKA_BROKERS: await silentKafka(), SLUICE_PRODUCE_BUFFER_BYTES: '1048576' }
    const client = http(await startTestGateway(env))
    const post = () => client.post('/v1/topics/t/records?acks=0&timeout=1500', Buffer.alloc(900_000), octets)
    const codes = (await Promise.all([post(), post()])).map(({ json }) => (json as { code: string }).code)
    expect(codes.sort()).toEqual(['kafka_unavailable', 'overloaded'])
  })

  it.each([
    ['?acks=2', {}],
    ['?acks=', {}],
    ['?acks=1&acks=1', {}],
    ['?timeout=99', {}],
    ['?timeout=1e3', {}],
    ['?timeout=300001', octets],
  ])('%s is refused, and nothing is written', async (query, options) => {
    const client = http(await startTestGateway())
    const topic = await makeTopic()
    const answer = await client.post(`/v1/topics/${topic}/records${query}`, '{"value":1}', {
      headers: { 'content-type': 'application/json' },
      ...options,
    })
    expect([answer.status, answer.json]).toMatchObject([
      422,
      {
        code: 'invalid_parameter',
        outcome: 'not_written',
        errors: [{ parameter: query.slice(1).split('=')[0] }],
      },
    ])
    expect(await readAll(topic)).toEqual([])
  })

  it('is all for an exactly-once producer', async () => {
    const client = http(await startTestGateway())
    const topic = await makeTopic()
    const { producer } = (await client.post(`/v1/topics/${topic}/producers`)).json as { producer: string }
    const answer = await client.put(`/v1/topics/${topic}/producers/${producer}/records/0?acks=1`, {
      value: 1,
    })
    expect([answer.status, answer.json]).toMatchObject([422, { errors: [{ parameter: 'acks' }] }])
  })
})

describe('timeout', () => {
  it('is when a record has its outcome, by the request, the topic or the configuration, in this order', async () => {
    const env = {
      KAFKA_BROKERS: await silentKafka(),
      SLUICE_PRODUCE_TIMEOUT_MS: '60000',
      SLUICE_TOPIC_DEFAULTS: 'quick: timeout=300',
    }
    const client = http(await startTestGateway(env))
    for (const path of ['/v1/topics/quick/records', '/v1/topics/slow/records?timeout=200']) {
      const since = performance.now()
      const answer = await client.post(path, { value: 1 })
      expect(answer.json).toMatchObject({ code: 'kafka_unavailable', outcome: 'not_written' })
      expect(performance.now() - since).toBeLessThan(10_000)
    }
  })
})
