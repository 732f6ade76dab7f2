import { describe, expect, it } from 'vitest'
import { startTestGateway } from '../../support/gateway.ts'
import { http, type HttpClient } from '../../support/http.ts'
import { makeAgain, makeTopic } from '../../support/kafka.ts'
import { numbered, produce, removeRecordsBelow, transact } from '../../support/produce.ts'

async function client(): Promise<HttpClient> {
  return http(await startTestGateway())
}

const at = (topic: string, offset: number | string, partition: number | string = 0) =>
  `/v1/topics/${topic}/partitions/${partition}/records/${offset}`
const bytes = { headers: { accept: 'application/octet-stream' } }

describe('GET /v1/topics/{topic}/partitions/{partition}/records/{offset}', () => {
  it('gives the one record, in the form asked for', async () => {
    const topic = await makeTopic({ partitions: 2 })
    await produce(topic, [{ partition: 1, key: 'k', value: '{"a":1}', timestamp: '1700000000000' }])
    const { get } = await client()
    const record = {
      topic,
      partition: 1,
      offset: 0,
      timestamp: 1_700_000_000_000,
      timestampType: 'CreateTime',
      key: 'k',
      value: { a: 1 },
      headers: {},
    }
    expect((await get(at(topic, 0, 1))).json).toEqual(record)
    expect((await get(`${at(topic, 0, 1)}?format=text`)).json).toEqual({ ...record, value: '{"a":1}' })
  })

  it('finds each record of a batch, and only what is there', async () => {
    const topic = await makeTopic()
    await produce(topic, numbered(300, { size: 1_000 }), { compression: 'gzip' })
    const { get } = await client()
    for (const offset of [0, 1, 150, 299]) {
      expect((await get(at(topic, offset))).json).toMatchObject({
        offset,
        value: `v${offset}`.padEnd(1_000, '.'),
      })
    }
    for (const offset of [300, 301, Number.MAX_SAFE_INTEGER]) {
      expect((await get(at(topic, offset))).json).toMatchObject({ status: 404, code: 'record_not_found' })
    }
    await removeRecordsBelow(topic, 150)
    expect((await get(at(topic, 149))).json).toMatchObject({
      code: 'record_not_found',
      bounds: { 0: { earliest: 150, latest: 300 } },
    })
    expect((await get(at(topic, 150))).status).toBe(200)
  })

  it('takes no marker and no aborted record for a record', async () => {
    const topic = await makeTopic()
    await transact(topic, [
      [['a'], 'abort'],
      [['b'], 'commit'],
    ])
    const { get } = await client()
    const found = async (query: string) =>
      Promise.all([0, 1, 2, 3].map(async (offset) => (await get(at(topic, offset) + query)).status))
    expect(await found('')).toEqual([200, 404, 200, 404])
    expect(await found('?isolation=read_committed')).toEqual([404, 404, 200, 404])
  })

  it('gives the bare value, byte for byte, with what is plain text about it as headers', async () => {
    const topic = await makeTopic()
    const value = Buffer.from([0, 0xff, 0x0a, 0xc3, 0x28])
    const headers = {
      trace: 'abc',
      twice: ['1', '2'],
      'not a token': 'x',
      'content-type': 'text/html',
      split: 'a\r\nset-cookie: x',
      accent: 'é',
      space: ' x',
    }
    await produce(topic, [
      { key: 'order-1', value, headers, timestamp: '1700000000000' },
      { key: Buffer.from([0xff]), value: '' },
      { key: 'k', value: null },
      { value: 'v', headers: { long: 'x'.repeat(5_000), short: 'y' } },
    ])
    const { get } = await client()
    const answer = await get(at(topic, 0), bytes)
    expect(answer.status).toBe(200)
    expect(answer.bytes).toEqual(value)
    expect([...answer.headers].filter(([name]) => /^(content-type|x-content|set-|kafka)/.test(name))).toEqual(
      [
        ['content-type', 'application/octet-stream'],
        ['kafka-header-content-type', 'text/html'],
        ['kafka-header-trace', 'abc'],
        ['kafka-header-twice', '1, 2'],
        ['kafka-key', 'order-1'],
        ['kafka-offset', '0'],
        ['kafka-timestamp', '1700000000000'],
        ['kafka-timestamp-type', 'CreateTime'],
        ['x-content-type-options', 'nosniff'],
      ],
    )
    const empty = await get(at(topic, 1), bytes)
    expect([empty.status, empty.bytes.length, empty.headers.get('kafka-key')]).toEqual([200, 0, null])
    const tombstone = await get(at(topic, 2), bytes)
    expect([tombstone.status, tombstone.bytes.length, tombstone.headers.get('kafka-key')]).toEqual([
      204,
      0,
      'k',
    ])
    const long = await get(at(topic, 3), bytes)
    expect(long.headers.has('kafka-header-long')).toBe(false)
    expect(long.headers.get('kafka-header-short')).toBe('y')
  })

  it('gives JSON unless bytes are liked better', async () => {
    const topic = await makeTopic()
    await produce(topic, numbered(1))
    const { get } = await client()
    const typeFor = async (accept: string) =>
      (await get(at(topic, 0), { headers: { accept } })).headers.get('content-type')
    expect(await typeFor('*/*')).toBe('application/json')
    expect(await typeFor('application/json, application/octet-stream')).toBe('application/json')
    expect(await typeFor('application/json;q=0.5, application/octet-stream')).toBe('application/octet-stream')
    expect(await typeFor('text/html')).toBe('application/problem+json')
  })

  it('is of the topic that has the name now', async () => {
    const topic = await makeTopic()
    const { get } = await client()
    await produce(topic, [{ value: 'old' }])
    expect((await get(at(topic, 0))).json).toMatchObject({ value: 'old' })
    await makeAgain(topic)
    await produce(topic, [{ value: 'new' }])
    expect((await get(at(topic, 0))).json).toMatchObject({ value: 'new' })
  })

  it.each([
    ['-1', 'invalid_offset'],
    ['1.0', 'invalid_offset'],
    ['1e3', 'invalid_offset'],
    ['0x10', 'invalid_offset'],
    ['9007199254740992', 'invalid_offset'],
    ['99999999999999999999', 'invalid_offset'],
  ])('422s for the offset %s', async (offset, code) => {
    const { get } = await client()
    expect((await get(at('any', offset))).json).toMatchObject({ status: 422, code })
  })

  it('404s for a topic or partition that is not there, 422s for what is none, 403s for Kafka’s own', async () => {
    const topic = await makeTopic()
    const { get } = await client()
    expect((await get(at('no-such-topic', 0))).json).toMatchObject({ status: 404, code: 'topic_not_found' })
    expect((await get(at(topic, 0, 1))).json).toMatchObject({ status: 404, code: 'partition_not_found' })
    expect((await get(at(topic, 0, -1))).json).toMatchObject({ status: 422, code: 'invalid_partition' })
    expect((await get(at('__consumer_offsets', 0))).json).toMatchObject({
      status: 403,
      code: 'internal_topic',
    })
    expect((await get(`${at(topic, 0)}?limit=1`)).json).toMatchObject({
      status: 422,
      code: 'invalid_parameter',
    })
  })
})
