import { randomBytes } from 'node:crypto'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadConfig } from '../../../src/config/config.ts'
import { type Gateway, startGateway } from '../../../src/gateway.ts'
import { http } from '../../support/http.ts'
import { brokers, makeTopic, uniqueName } from '../../support/kafka.ts'
import { TestProducer } from '../../support/producer.ts'
import { removeRecordsBelow } from '../../support/produce.ts'
import { RawConnection } from '../../support/raw-http.ts'
import { readAll } from '../../support/read-all.ts'

let gateways: Gateway[]
beforeAll(async () => {
  // What they make of the same records differs in bytes.
  const start = (compression: string) => {
    const settings = { SLUICE_PORT: '0', SLUICE_SHUTDOWN_TIMEOUT_MS: '400', KAFKA_BROKERS: brokers() }
    const config = loadConfig({ ...settings, SLUICE_PRODUCE_COMPRESSION: compression })
    return startGateway(config, pino({ level: 'silent' }))
  }
  gateways = await Promise.all(['none', 'lz4'].map(start))
})
afterAll(async () => void (await Promise.all(gateways.map((gateway) => gateway.stop()))))

async function setUp(configs: Record<string, string> = {}, partitions = 1) {
  const topic = await makeTopic({ configs, partitions })
  const [a, b] = [http(gateways[0]!), http(gateways[1]!)]
  const producer = await TestProducer.open(a, topic)
  const values = async () => (await readAll(topic)).map(({ value }) => String(value))
  return { topic, a, b, producer, values }
}

const topics = [
  ['keeps the time of its records', 'CreateTime'],
  ['stamps records itself', 'LogAppendTime'],
]

describe.each(topics)('a PUT to a topic that %s', (_, type) => {
  it('is 201 at first and 200 with the same offset when repeated, at any replica', async () => {
    const { a, b, producer, values } = await setUp({ 'message.timestamp.type': type })
    const first = await producer.put(a, 0, { key: 'k', value: { n: 1 }, headers: { h: 'x' } })
    expect(first.status).toBe(201)
    expect(first.json).toMatchObject({ partition: 0, offset: 0, nextSequence: 1, duplicate: false })
    for (const at of [a, b, b, a]) {
      const again = await producer.put(at, 0, { headers: { h: 'x' }, value: { n: 1 }, key: 'k' })
      expect(again.status).toBe(200)
      expect(again.json).toEqual({ ...(first.json as object), duplicate: true })
    }
    const long = 'b'.repeat(1_000)
    const batch = { records: [{ value: long }, { value: 'c' }] }
    expect(await producer.put(b, 1, batch)).toMatchObject({
      status: 201,
      json: { offset: 1, nextSequence: 3 },
    })
    expect(await producer.put(a, 1, batch)).toMatchObject({
      status: 200,
      json: { offset: 1, nextSequence: 3 },
    })
    expect(await producer.put(a, 3, { value: 'd' })).toMatchObject({ status: 201, json: { offset: 3 } })
    expect(await values()).toEqual(['{"n":1}', long, 'c', 'd'])
  })

  it('with other records under the same number is 409 sequence_conflict, and writes nothing', async () => {
    const { a, b, producer, values } = await setUp({ 'message.timestamp.type': type })
    const record = { key: 'k', value: 'v', headers: { h: 'x' } }
    await producer.put(a, 0, record)
    const others = [
      { ...record, value: 'w' },
      { ...record, value: null },
      { ...record, key: null },
      { ...record, headers: { h: 'y' } },
      { ...record, headers: {} },
      {
        ...record,
        headers: [
          { name: 'h', value: 'x' },
          { name: 'h', value: 'x' },
        ],
      },
      { records: [record, record] },
    ]
    for (const at of [a, b]) {
      for (const other of others) {
        const answer = await producer.put(at, 0, other)
        expect(answer).toMatchObject({
          status: 409,
          json: { code: 'sequence_conflict', outcome: 'not_written', retryable: false },
        })
      }
    }
    expect(await values()).toEqual(['v'])
    expect(await producer.put(b, 1, { value: 'next' })).toMatchObject({ status: 201, json: { offset: 1 } })
  })
})

describe('a PUT', () => {
  it('that is ahead of the log is 409 sequence_gap with nextSequence, also for a producer that has written nothing', async () => {
    const { a, b, producer, values } = await setUp()
    const gap = (nextSequence: number) => ({
      status: 409,
      json: { code: 'sequence_gap', nextSequence, outcome: 'not_written' },
    })
    expect(await producer.put(a, 1, { value: 'x' })).toMatchObject(gap(0))
    await producer.put(a, 0, { value: 'a' })
    for (const at of [a, b]) expect(await producer.put(at, 2, { value: 'x' })).toMatchObject(gap(1))
    expect(await values()).toEqual(['a'])
  })

  it('sent twice at the same moment, at two replicas, is in the log once', async () => {
    const { a, b, producer, values } = await setUp()
    for (let n = 0; n < 20; n++) {
      const answers = await Promise.all([a, b, a, b].map((at) => producer.put(at, n, { value: `v${n}` })))
      for (const { status, json } of answers) {
        expect([200, 201]).toContain(status)
        expect(json).toMatchObject({ offset: n, nextSequence: n + 1 })
      }
    }
    expect(await values()).toEqual(Array.from({ length: 20 }, (_, n) => `v${n}`))
  })

  it('that competes with another for its number is written, or told of the other', async () => {
    const { topic, a, b, values } = await setUp({ 'message.timestamp.type': 'CreateTime' })
    for (let n = 0; n < 10; n++) {
      const producer = await TestProducer.open(a, topic)
      const answers = await Promise.all([
        producer.put(a, 0, { value: `a${n}` }),
        producer.put(b, 0, { value: `b${n}` }),
        producer.put(b, 0, { records: [{ value: `c${n}` }, { value: `d${n}` }] }),
      ])
      expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409])
      for (const { status, json } of answers)
        if (status === 409) expect(json).toMatchObject({ code: 'sequence_conflict' })
      const winner = ['a', 'b', 'cd'][answers.findIndex(({ status }) => status === 201)]!
      expect((await values()).slice(-winner.length)).toEqual([...winner].map((name) => `${name}${n}`))
    }
    expect(new Set(await values()).size).toBe((await values()).length)
  })

  it('sent before the one ahead of it is answered corrupts nothing: each is written in its place or told of the gap', async () => {
    const { a, b, producer, values } = await setUp()
    const left = new Set(Array.from({ length: 12 }, (_, n) => n))
    while (left.size > 0) {
      const answers = await Promise.all(
        [...left].map(async (n) => ({ n, answer: await producer.put(n % 2 ? a : b, n, { value: `v${n}` }) })),
      )
      for (const { n, answer } of answers) {
        if (answer.status === 409) expect(answer.json).toMatchObject({ code: 'sequence_gap' })
        else {
          expect(answer.json).toMatchObject({ offset: n })
          left.delete(n)
        }
      }
    }
    expect(await values()).toEqual(Array.from({ length: 12 }, (_, n) => `v${n}`))
  })

  it('that follows another on its way is written after it, where both are at one replica', async () => {
    const { producer } = await setUp()
    const connection = new RawConnection(gateways[0]!)
    for (let n = 0; n < 30; n++) {
      const body = JSON.stringify({ value: `v${n}` })
      const type = 'Content-Type: application/json'
      connection
        .sendHead(`PUT ${producer.path(n)} HTTP/1.1`, type, `Content-Length: ${body.length}`)
        .send(body)
    }
    for (let n = 0; n < 30; n++) {
      expect(await connection.answer()).toMatchObject({ status: 201, json: { offset: n, duplicate: false } })
    }
  })

  it('that is not among the last five is found in the log, and told from one with other bounds', async () => {
    const { a, b, producer, values } = await setUp()
    const batch = (n: number) => ({ records: [{ value: `a${n}` }, { value: `b${n}` }] })
    for (let n = 0; n < 8; n++) await producer.put(a, n * 2, batch(n))
    for (const at of [a, b]) {
      for (let n = 0; n < 8; n++) {
        const again = await producer.put(at, n * 2, batch(n))
        expect(again).toMatchObject({
          status: 200,
          json: { offset: n * 2, nextSequence: n * 2 + 2, duplicate: true },
        })
        const others = [
          [n * 2, { value: `a${n}` }],
          [n * 2 + 1, { value: `b${n}` }],
          [n * 2, { records: [{ value: `a${n}` }, { value: 'other' }] }],
          [n * 2, { records: [...batch(n).records, { value: 'more' }] }],
        ] as const
        for (const [sequence, body] of others) {
          expect(await producer.put(at, sequence, body)).toMatchObject({
            json: { code: 'sequence_conflict' },
          })
        }
      }
    }
    expect(await values()).toHaveLength(16)
  })

  it('that has left the log as well as the last five is 409 sequence_expired', async () => {
    const { a, b, topic, producer } = await setUp()
    for (let n = 0; n < 8; n++) await producer.put(a, n, { value: n })
    await removeRecordsBelow(topic, 2)
    for (const at of [a, b]) {
      expect(await producer.put(at, 1, { value: 1 })).toMatchObject({
        status: 409,
        json: { code: 'sequence_expired', outcome: 'unknown', nextSequence: 8 },
      })
      expect(await producer.put(at, 2, { value: 2 })).toMatchObject({ status: 200, json: { offset: 2 } })
    }
  })

  it('of a raw body writes its bytes, and knows them again', async () => {
    const { a, b, topic, producer } = await setUp()
    const options = { headers: { 'content-type': 'image/png', 'kafka-header-source': 'camera' } }
    const bytes = randomBytes(3_000)
    const put = (at: typeof a, body: Uint8Array) => at.put(`${producer.path(0)}?key=k`, body, options)
    expect(await put(a, bytes)).toMatchObject({ status: 201, json: { offset: 0 } })
    expect(await put(b, bytes)).toMatchObject({ status: 200, json: { offset: 0, duplicate: true } })
    expect(await put(b, randomBytes(3_000))).toMatchObject({ json: { code: 'sequence_conflict' } })
    const [record] = await readAll(topic)
    expect(record!.value).toEqual(bytes)
    expect(record!.headers).toMatchObject({ 'content-type': Buffer.from('image/png') })
  })

  it('compares a timestamp that was given, and only that', async () => {
    const { a, producer } = await setUp()
    const now = Date.now()
    expect(await producer.put(a, 0, { value: 1, timestamp: now })).toMatchObject({
      status: 201,
      json: { timestamp: now },
    })
    expect(await producer.put(a, 0, { value: 1, timestamp: now })).toMatchObject({ status: 200 })
    expect(await producer.put(a, 0, { value: 1 })).toMatchObject({ status: 200, json: { timestamp: now } })
    expect(await producer.put(a, 0, { value: 1, timestamp: now + 1 })).toMatchObject({ status: 409 })
  })

  it('is still known to be a duplicate when its records are gone from the log', async () => {
    const { a, b, topic, producer } = await setUp()
    const batch = { records: [{ value: 'a' }, { value: 'b' }] }
    await producer.put(a, 0, batch)
    await producer.put(a, 2, { value: 'c' })
    await removeRecordsBelow(topic, 1)
    expect(await producer.put(b, 0, batch)).toMatchObject({ status: 200, json: { offset: 0 } })
    const other = { records: [{ value: 'gone, so it cannot be compared' }, { value: 'other' }] }
    expect(await producer.put(b, 0, other)).toMatchObject({ json: { code: 'sequence_conflict' } })
    await removeRecordsBelow(topic, 3)
    const again = await producer.put(b, 0, batch)
    expect(again).toMatchObject({ status: 200, json: { offset: 0, duplicate: true, nextSequence: 2 } })
    expect(again.json).not.toHaveProperty('timestamp')
    expect(await producer.put(b, 3, { value: 'd' })).toMatchObject({ status: 201, json: { offset: 3 } })
  })

  it('of a batch too large for the topic is 413, and the number can be used by a smaller one', async () => {
    const { a, producer, values } = await setUp({ 'max.message.bytes': '1000' })
    const value = 'x'.repeat(600)
    expect(await producer.put(a, 0, { value })).toMatchObject({ status: 201 })
    expect(await producer.put(a, 1, { records: [{ value }, { value }] })).toMatchObject({
      status: 413,
      json: { code: 'record_too_large', outcome: 'not_written' },
    })
    expect(await producer.put(a, 1, { value: 'small' })).toMatchObject({ status: 201, json: { offset: 1 } })
    expect(await values()).toEqual([value, 'small'])
  })

  it('that Kafka refuses writes none of its batch, and names the record', async () => {
    const { a, producer, values } = await setUp({ 'cleanup.policy': 'compact' })
    const batch = { records: [{ key: 'k', value: 1 }, { value: 2 }] }
    expect(await producer.put(a, 0, batch)).toMatchObject({
      status: 422,
      json: { code: 'record_rejected', outcome: 'not_written', errors: [{ pointer: '/records/1' }] },
    })
    expect(await producer.put(a, 0, { key: 'k', value: 1 })).toMatchObject({ status: 201 })
    expect(await values()).toEqual(['1'])
  })
})

describe('a producer', () => {
  it('belongs to one partition: the one that was named, else any', async () => {
    const { a, topic } = await setUp({}, 3)
    const producer = await TestProducer.open(a, topic, 2)
    expect(producer.partition).toBe(2)
    expect(await producer.put(a, 0, { key: 'any key', value: 1 })).toMatchObject({ json: { partition: 2 } })
    expect(await producer.put(a, 1, { value: 1, partition: 2 })).toMatchObject({ status: 201 })
    expect(await producer.put(a, 2, { value: 1, partition: 1 })).toMatchObject({
      status: 422,
      json: { code: 'invalid_request', errors: [{ pointer: '/partition' }], outcome: 'not_written' },
    })
    const some = await TestProducer.open(a, topic)
    expect(await some.put(a, 0, { value: 1 })).toMatchObject({ json: { partition: some.partition } })
  })

  it('can be opened without a body, and not for what is not there', async () => {
    const { a, topic } = await setUp()
    expect(await a.request('POST', `/v1/topics/${topic}/producers`)).toMatchObject({
      status: 201,
      json: { partition: 0, nextSequence: 0 },
    })
    const open = (name: string, body: object) => a.post(`/v1/topics/${name}/producers`, body)
    expect(await open(topic, { partition: 1 })).toMatchObject({ json: { code: 'partition_not_found' } })
    expect(await open(uniqueName(), {})).toMatchObject({ json: { code: 'topic_not_found' } })
    expect(await open(topic, { partition: -1 })).toMatchObject({ json: { code: 'invalid_request' } })
    expect(await open(topic, { partitions: 1 })).toMatchObject({ json: { code: 'invalid_request' } })
  })

  it('that was altered, made up, or opened for another topic is 400 invalid_producer', async () => {
    const { a, b, topic, producer } = await setUp()
    const { producer: text } = producer
    const altered = Array.from({ length: text.length }, (_, i) => {
      return `${text.slice(0, i)}${text[i] === 'A' ? 'B' : 'A'}${text.slice(i + 1)}`
    })
    const others = [...altered, `${text}A`, text.slice(1), text.slice(0, -1), '0', `${text}=`, 'a b', '%00']
    for (const other of others) {
      const path = `/v1/topics/${topic}/producers/${encodeURIComponent(other)}/records/0`
      expect(await b.put(path, { value: 1 })).toMatchObject({
        status: 400,
        json: { code: 'invalid_producer' },
      })
    }
    const elsewhere = await makeTopic()
    const path = `/v1/topics/${elsewhere}/producers/${text}/records/0`
    expect(await a.put(path, { value: 1 })).toMatchObject({ status: 400, json: { code: 'invalid_producer' } })
    expect(await readAll(topic)).toEqual([])
    expect(await readAll(elsewhere)).toEqual([])
  })

  it('takes sequence numbers up to 2147483647, and no other path', async () => {
    const { a, producer } = await setUp()
    for (const text of ['-1', '2147483648', '1.0', '0x1', 'next', '99999999999', '+1']) {
      expect(await a.put(producer.path(text), { value: 1 })).toMatchObject({
        json: { code: 'invalid_sequence' },
      })
    }
    const last = { records: [{ value: 1 }, { value: 2 }] }
    expect(await producer.put(a, 2_147_483_647, last)).toMatchObject({ json: { code: 'invalid_sequence' } })
    expect(await producer.put(a, 2_147_483_647, { value: 1 })).toMatchObject({
      json: { code: 'sequence_gap' },
    })
  })

  it('of a topic that was made again is 409 producer_expired, and nothing of it reaches the new topic', async () => {
    const { a, b, topic, producer } = await setUp()
    for (let n = 0; n < 3; n++) await producer.put(a, n, { value: n })
    expect((await b.delete(`/v1/topics/${topic}`)).status).toBe(204)
    expect(await producer.put(a, 3, { value: 3 })).toMatchObject({
      status: 404,
      json: { code: 'topic_not_found' },
    })
    expect((await b.post('/v1/topics', { name: topic, partitions: 1 })).status).toBe(201)
    for (const at of [a, b]) {
      const answers = await Promise.all([0, 2, 3].map((n) => producer.put(at, n, { value: n })))
      for (const answer of answers) {
        expect(answer).toMatchObject({ status: 409, json: { code: 'producer_expired', retryable: false } })
      }
    }
    expect(await readAll(topic)).toEqual([])
    const next = await TestProducer.open(a, topic)
    expect(await next.put(b, 0, { value: 'new' })).toMatchObject({ status: 201, json: { offset: 0 } })
  })
})
