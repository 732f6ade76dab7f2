import { describe, expect, it } from 'vitest'
import { startTestGateway } from '../../support/gateway.ts'
import { http, type HttpClient } from '../../support/http.ts'
import { makeAgain, makeTopic, removeTopic, withAdmin, witness } from '../../support/kafka.ts'
import {
  type Compression,
  compressions,
  numbered,
  produce,
  removeRecordsBelow,
  transact,
  withProducer,
} from '../../support/produce.ts'
import { readAll } from '../../support/read-all.ts'
import { until } from '../../support/until.ts'

interface ReadAnswer {
  records: { partition: number; offset: number; key: unknown; value: unknown; [member: string]: unknown }[]
  cursor: string
  caughtUp: boolean
}

async function client(env?: Record<string, string>): Promise<HttpClient> {
  return http(await startTestGateway(env))
}

/** One read that must succeed. */
async function read({ get }: HttpClient, topic: string, query: Record<string, string | number> = {}) {
  const parameters = new URLSearchParams(query as Record<string, string>)
  const answer = await get(`/v1/topics/${topic}/records?${parameters}`)
  expect(answer.status, answer.text).toBe(200)
  return answer.json as ReadAnswer
}

/** Follows the cursor until everything has been read. */
async function readToEnd(api: HttpClient, topic: string, query: Record<string, string | number> = {}) {
  const records: ReadAnswer['records'] = []
  for (let next: Record<string, string | number> = query; ;) {
    const answer = await read(api, topic, next)
    records.push(...answer.records)
    if (answer.caughtUp) return records
    const { from: _, ...rest } = query
    next = { ...rest, cursor: answer.cursor }
  }
}

const valuesOf = (records: ReadAnswer['records']) => records.map(({ value }) => value)
const names = (count: number, from = 0) => Array.from({ length: count }, (_, n) => `v${from + n}`)

describe('GET /v1/topics/{topic}/records', () => {
  it('gives records as they are, with their place, time, key and headers', async () => {
    const topic = await makeTopic()
    const timestamp = '1700000000123'
    await produce(topic, [
      { key: 'k', value: '{"id": 12345678901234567890}', headers: { a: '1', b: 'é' }, timestamp },
      { key: null, value: null, timestamp },
      { key: '', value: '', timestamp },
      { key: Buffer.from([0xff, 0]), value: Buffer.from([0xc3]), timestamp },
      { key: 'k', value: 'plain', headers: { a: ['1', '2'], b: Buffer.from([0xff]) }, timestamp },
    ])
    const { get } = await client()
    const answer = await get(`/v1/topics/${topic}/records`)
    expect(answer.headers.get('content-type')).toBe('application/json')
    expect(answer.text).toContain('"value":{"id": 12345678901234567890},')
    const common = { topic, partition: 0, timestamp: 1_700_000_000_123, timestampType: 'CreateTime' }
    expect(answer.json).toMatchObject({ caughtUp: true })
    expect((answer.json as ReadAnswer).records).toEqual([
      { ...common, offset: 0, key: 'k', value: { id: 12345678901234567890 }, headers: { a: '1', b: 'é' } },
      { ...common, offset: 1, key: null, value: null, headers: {} },
      { ...common, offset: 2, key: '', value: '', headers: {} },
      {
        ...common,
        offset: 3,
        key: '/wA=',
        keyEncoding: 'base64',
        value: 'ww==',
        valueEncoding: 'base64',
        headers: {},
      },
      {
        ...common,
        offset: 4,
        key: 'k',
        value: 'plain',
        headers: [
          { name: 'a', value: '1' },
          { name: 'a', value: '2' },
          { name: 'b', value: '/w==', encoding: 'base64' },
        ],
      },
    ])
  })

  it('gives the form that is asked for', async () => {
    const topic = await makeTopic()
    await produce(topic, [{ key: 'k', value: '12.0' }, { value: 'not json' }])
    const api = await client()
    const shown = async (format: string) =>
      (await read(api, topic, { format })).records.map(({ value, valueEncoding }) => [value, valueEncoding])
    expect(await shown('auto')).toEqual([
      ['12.0', undefined],
      ['not json', undefined],
    ])
    expect(await shown('json')).toEqual([
      [12, undefined],
      ['bm90IGpzb24=', 'base64'],
    ])
    expect(await shown('text')).toEqual([
      ['12.0', undefined],
      ['not json', undefined],
    ])
    expect(await shown('base64')).toEqual([
      ['MTIuMA==', 'base64'],
      ['bm90IGpzb24=', 'base64'],
    ])
  })

  it.each(compressions)('reads batches of compression %s', async (compression: Compression) => {
    const topic = await makeTopic()
    await produce(topic, numbered(300, { size: 50 }), { compression })
    await produce(topic, numbered(3, { from: 300, size: 50 }), { compression })
    const records = await readToEnd(await client(), topic, { limit: 200 })
    expect(valuesOf(records).map((v) => String(v).replaceAll('.', ''))).toEqual(names(303))
  })

  it('starts where `from` says', async () => {
    const topic = await makeTopic()
    for (let n = 0; n < 6; n++) {
      await produce(topic, [{ value: `v${n}`, timestamp: String(1_700_000_000_000 + n * 1_000) }])
    }
    const api = await client()
    const starting = async (from: string) => valuesOf((await read(api, topic, { from })).records)
    expect(await starting('earliest')).toEqual(names(6))
    expect(await starting('latest')).toEqual([])
    expect(await starting('-2')).toEqual(names(2, 4))
    expect(await starting('-100')).toEqual(names(6))
    expect(await starting('4')).toEqual(names(2, 4))
    expect(await starting('6')).toEqual([])
    expect(await starting('@1700000002000')).toEqual(names(4, 2))
    expect(await starting('@1700000002001')).toEqual(names(3, 3))
    expect(await starting('@1800000000000')).toEqual([])
    expect(await starting('2023-11-14T22:13:23Z')).toEqual(names(3, 3))
    expect(await starting('2023-11-15T00:13:23.5+02:00')).toEqual(names(2, 4))
    // The zone of a time that nobody percent-encoded.
    const { json } = await api.get(`/v1/topics/${topic}/records?from=2023-11-15T00:13:23.5+02:00`)
    expect(valuesOf((json as ReadAnswer).records)).toEqual(names(2, 4))
  })

  it('takes -N and latest of each partition, and one partition where it is named', async () => {
    const topic = await makeTopic({ partitions: 2 })
    await produce(topic, [...numbered(3, { partition: 0 }), ...numbered(3, { partition: 1, from: 10 })])
    const api = await client()
    expect(valuesOf((await read(api, topic, { from: '-1' })).records).sort()).toEqual(['v12', 'v2'])
    expect(valuesOf((await read(api, topic, { partition: 1 })).records)).toEqual(names(3, 10))
    expect(valuesOf((await read(api, topic, { partition: 1, from: 2 })).records)).toEqual(['v12'])
  })

  it('merges partitions by time, the same each time, and loses nothing at the limit', async () => {
    const topic = await makeTopic({ partitions: 3 })
    const at = (n: number) => String(1_700_000_000_000 + n)
    // Partition 1 holds one batch larger than the least that is fetched of a partition.
    for (const p of [0, 1, 2]) {
      const mine = Array.from({ length: 100 }, (_, n) => n * 3 + p)
      await produce(
        topic,
        mine.map((n) => ({
          partition: p,
          value: `v${n}`.padEnd(p === 1 ? 2_000 : 0, '.'),
          timestamp: at(n),
        })),
      )
    }
    const api = await client()
    for (let round = 0; round < 5; round++) {
      const { records, caughtUp } = await read(api, topic, { limit: 10 })
      expect(valuesOf(records).map((v) => String(v).replaceAll('.', ''))).toEqual(names(10))
      expect(caughtUp).toBe(false)
    }
    const records = await readToEnd(api, topic, { limit: 7 })
    expect(valuesOf(records).map((v) => String(v).replaceAll('.', ''))).toEqual(names(300))
  })

  it('merges by time across fetches, where partitions run dry one before the other', async () => {
    const topic = await makeTopic({ partitions: 3 })
    // A partition's share of one fetch is some hundred of its small records, or some ten of its large ones.
    for (let batch = 0; batch < 12; batch++) {
      const messages = Array.from({ length: 30 }, (_, n) => {
        const [partition, number] = [n % 3, batch * 30 + n]
        const value = `v${number}`.padEnd(partition === 1 ? 20_000 : 2_000, '.')
        return { partition, value, timestamp: String(1_700_000_000_000 + number) }
      })
      await produce(topic, messages)
    }
    const { records } = await read(await client(), topic, { limit: 360, maxBytes: 8_000_000 })
    expect(valuesOf(records).map((v) => String(v).replaceAll('.', ''))).toEqual(names(360))
  })

  it('gives each record exactly once through cursors, at any replica, while others write', async () => {
    const topic = await makeTopic({ partitions: 4 })
    const replicas = [await client(), await client()]
    let writing = true
    const writer = withProducer(async (producer) => {
      for (let n = 0; n < 40; n++) {
        const messages = [0, 1, 2, 3].flatMap((partition) => numbered(25, { partition, from: n * 25 }))
        await producer.send({ topic, messages })
      }
      writing = false
    })
    const records: ReadAnswer['records'] = []
    let query: Record<string, string | number> = { from: 'earliest', limit: 333 }
    for (let turn = 0, last = false; !last; turn++) {
      last = !writing
      const answer = await read(replicas[turn % 2]!, topic, query)
      records.push(...answer.records)
      if (!answer.caughtUp) last = false
      query = { cursor: answer.cursor, limit: 333 }
    }
    await writer
    for (const partition of [0, 1, 2, 3]) {
      const mine = records.filter((record) => record.partition === partition)
      expect(mine.map((r) => r.offset)).toEqual(Array.from({ length: 1_000 }, (_, n) => n))
      expect(valuesOf(mine)).toEqual(names(1_000))
    }
    expect(records.length).toBe((await readAll(topic)).length)
  })

  it('goes on from a cursor into partitions that were added since', async () => {
    const topic = await makeTopic()
    const api = await client()
    await produce(topic, numbered(2))
    const whole = await read(api, topic)
    const chosen = await read(api, topic, { partition: 0 })
    await withAdmin((admin) => admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] }))
    // Apart: the witness writes both again where one partition has no leader yet.
    await produce(topic, numbered(1, { from: 2 }))
    await produce(topic, numbered(2, { partition: 2, from: 10 }))
    // Another replica, which has never seen the topic with one partition.
    const other = await client()
    const added = (await read(other, topic, { cursor: whole.cursor })).records
    expect(valuesOf(added).sort()).toEqual(['v10', 'v11', 'v2'])
    expect(valuesOf((await read(other, topic, { cursor: chosen.cursor })).records)).toEqual(['v2'])
  })

  it('holds the answer to `limit` and `maxBytes`, but gives a first record however large', async () => {
    const topic = await makeTopic({ configs: { 'max.message.bytes': '4000000' } })
    await produce(topic, numbered(5, { size: 300 }))
    await produce(topic, [{ value: 'x'.repeat(3_000_000) }])
    await produce(topic, [{ value: 'after' }])
    const api = await client()
    expect((await read(api, topic, { limit: 2 })).records).toHaveLength(2)
    const few = await read(api, topic, { maxBytes: 1_500 })
    expect(few.records.length).toBeGreaterThan(1)
    expect(JSON.stringify(few.records).length).toBeLessThanOrEqual(1_500 + 2)
    expect(few.caughtUp).toBe(false)
    const large = await read(api, topic, { from: 5, maxBytes: 1_000 })
    expect(large.records.map((r) => String(r.value).length)).toEqual([3_000_000])
    expect(valuesOf((await read(api, topic, { cursor: large.cursor })).records)).toEqual(['after'])
    expect((await readToEnd(api, topic, { maxBytes: 1 })).length).toBe(7)
  })

  it('stops before an open transaction under read_committed, and is caught up there', async () => {
    const topic = await makeTopic()
    const api = await client()
    const producer = witness().producer({ transactionalId: topic, idempotent: true, maxInFlightRequests: 1 })
    await producer.connect()
    const transaction = await producer.transaction()
    await transaction.send({ topic, messages: [{ value: 'open' }] })
    await produce(topic, [{ value: 'after' }])
    const committed = await read(api, topic, { isolation: 'read_committed' })
    expect(committed).toMatchObject({ records: [], caughtUp: true })
    expect(valuesOf((await read(api, topic)).records)).toEqual(['open', 'after'])
    await transaction.commit()
    await producer.disconnect()
    const query = { isolation: 'read_committed', cursor: committed.cursor, wait: 5_000 }
    expect(valuesOf((await read(api, topic, query)).records)).toEqual(['open', 'after'])
  })

  it('leaves out aborted transactions under read_committed', async () => {
    const topic = await makeTopic()
    await transact(topic, [
      [['a'], 'commit'],
      [['b'], 'abort'],
      [['c'], 'commit'],
    ])
    const api = await client()
    expect(valuesOf(await readToEnd(api, topic, { isolation: 'read_committed', limit: 1 }))).toEqual([
      'a',
      'c',
    ])
    expect(valuesOf(await readToEnd(api, topic))).toEqual(['a', 'b', 'c'])
    // The last marker is not a record, but it is read.
    const { cursor, caughtUp } = await read(api, topic, { isolation: 'read_committed' })
    expect(caughtUp).toBe(true)
    expect(await read(api, topic, { cursor })).toMatchObject({ records: [], caughtUp: true })
  })
})

describe('GET /v1/topics/{topic}/records?key=&header=', () => {
  it('shows the records of a key and with headers, and moves past the others', async () => {
    const api = await client()
    const topic = await makeTopic({ partitions: 2 })
    const record = (n: number) => ({
      key: n % 5 === 0 ? 'a' : 'b',
      value: `v${n}`,
      partition: n % 2,
      headers: { type: n % 2 === 0 ? 'even' : 'odd', all: '1' },
    })
    await produce(
      topic,
      Array.from({ length: 200 }, (_, n) => record(n)),
    )
    const every = (step: number) => Array.from({ length: 200 / step }, (_, n) => `v${n * step}`).sort()
    const found = await readToEnd(api, topic, { key: 'a', limit: 7 })
    expect(valuesOf(found).sort()).toEqual(every(5))
    const both = await readToEnd(api, topic, { key: 'a', header: 'type:even' })
    expect(valuesOf(both).sort()).toEqual(every(10))
    const query = 'header=type:even&header=all:1&limit=1000'
    const answer = await api.get(`/v1/topics/${topic}/records?${query}`)
    expect(valuesOf((answer.json as ReadAnswer).records).sort()).toEqual(every(2))
    const none = await read(api, topic, { key: 'none' })
    expect(none).toMatchObject({ records: [], caughtUp: true })
    expect((await read(api, topic, { cursor: none.cursor })).records).toEqual([])
  })

  it('waits for a record that is wanted, whatever else comes', async () => {
    const api = await client()
    const topic = await makeTopic()
    const waiting = read(api, topic, { key: 'a', wait: 20_000 })
    await produce(topic, [{ key: 'b', value: 'no' }])
    await produce(topic, [{ key: 'a', value: 'yes' }])
    expect(valuesOf((await waiting).records)).toEqual(['yes'])
  })
})

describe('GET /v1/topics/{topic}/records?wait=', () => {
  it('answers as soon as the first record is written, and no later than its end', async () => {
    const topic = await makeTopic({ partitions: 3 })
    const api = await client()
    const { cursor } = await read(api, topic, { from: 'latest' })
    const startedAt = performance.now()
    expect(await read(api, topic, { cursor, wait: 700 })).toEqual({ records: [], cursor, caughtUp: true })
    const waited = performance.now() - startedAt
    expect(waited).toBeGreaterThanOrEqual(690)
    expect(waited).toBeLessThan(2_000)
    const waiting = read(api, topic, { cursor, wait: 20_000 })
    const producedAt = performance.now()
    await produce(topic, numbered(1, { partition: 2 }))
    expect(valuesOf((await waiting).records)).toEqual(['v0'])
    expect(performance.now() - producedAt).toBeLessThan(5_000)
    // What is there already is not waited for.
    expect(valuesOf((await read(api, topic, { cursor, wait: 20_000 })).records)).toEqual(['v0'])
  })

  it('ends early, with its cursor, when the gateway shuts down', async () => {
    const topic = await makeTopic()
    const gateway = await startTestGateway({ SLUICE_SHUTDOWN_TIMEOUT_MS: '10000' })
    const waiting = read(http(gateway), topic, { from: 'latest', wait: 20_000 })
    const { get } = http(gateway)
    await until(async () => (await get('/healthz')).status === 200)
    const stoppedAt = performance.now()
    const stopping = gateway.stop()
    expect(await waiting).toMatchObject({ records: [], caughtUp: true })
    await stopping
    expect(performance.now() - stoppedAt).toBeLessThan(8_000)
  })

  it('is over when the client goes away: a hundred such leave nothing behind', async () => {
    const topic = await makeTopic()
    const gateway = await startTestGateway({ SLUICE_MAX_CONNECTIONS: '50' })
    const api = http(gateway)
    for (let round = 0; round < 5; round++) {
      await Promise.all(
        Array.from({ length: 20 }, async () => {
          const signal = AbortSignal.timeout(50)
          const path = `/v1/topics/${topic}/records?from=latest&wait=20000`
          await expect(api.get(path, { signal })).rejects.toThrow()
        }),
      )
    }
    await produce(topic, numbered(1))
    expect(valuesOf((await read(api, topic, { wait: 5_000 })).records)).toEqual(['v0'])
  })
})

describe('GET /v1/topics/{topic}/records of a position that is gone', () => {
  it('409s with position_lost and the bounds when retention has passed it', async () => {
    const topic = await makeTopic()
    const api = await client()
    await produce(topic, numbered(10))
    const { cursor } = await read(api, topic, { limit: 2 })
    await removeRecordsBelow(topic, 6)
    const lost = await api.get(`/v1/topics/${topic}/records?cursor=${cursor}`)
    expect(lost.status).toBe(409)
    expect(lost.json).toMatchObject({ code: 'position_lost', bounds: { 0: { earliest: 6, latest: 10 } } })
    for (const from of ['3', '11']) {
      const answer = await api.get(`/v1/topics/${topic}/records?from=${from}`)
      expect(answer.json).toMatchObject({ code: 'position_lost', bounds: { 0: { earliest: 6, latest: 10 } } })
    }
    // Where `from` is a place and not a number, there is nothing to lose.
    expect(valuesOf((await read(api, topic, { from: 'earliest' })).records)).toEqual(names(4, 6))
    expect(valuesOf((await read(api, topic, { from: '-100' })).records)).toEqual(names(4, 6))
  })

  it('409s for the cursor of a topic made again, and reads the new topic from a place', async () => {
    const topic = await makeTopic()
    const api = await client()
    await produce(topic, numbered(3))
    const { cursor } = await read(api, topic)
    await makeAgain(topic)
    await produce(topic, numbered(2, { from: 100 }))
    const lost = await api.get(`/v1/topics/${topic}/records?cursor=${cursor}`)
    expect(lost.status).toBe(409)
    expect(lost.json).toMatchObject({ code: 'position_lost', bounds: { 0: { earliest: 0, latest: 2 } } })
    expect(valuesOf((await read(api, topic)).records)).toEqual(names(2, 100))
  })

  it('404s for a topic that was deleted while its metadata was still known', async () => {
    const topic = await makeTopic()
    const api = await client()
    await read(api, topic)
    await removeTopic(topic)
    const answer = await api.get(`/v1/topics/${topic}/records`)
    expect(answer.json).toMatchObject({ status: 404, code: 'topic_not_found' })
  })
})

describe('GET /v1/topics/{topic}/records refuses', () => {
  it.each([
    ['from=yesterday', 'from'],
    ['from=-0', 'from'],
    ['from=1e3', 'from'],
    ['from=9007199254740992', 'from'],
    ['from=2024-01-01T00:00:00', 'from'],
    ['limit=0', 'limit'],
    ['limit=10001', 'limit'],
    ['limit=ten', 'limit'],
    ['maxBytes=0', 'maxBytes'],
    ['maxBytes=8388609', 'maxBytes'],
    ['wait=-1', 'wait'],
    ['wait=30001', 'wait'],
    ['partition=x', 'partition'],
    ['isolation=none', 'isolation'],
    ['format=xml', 'format'],
    ['offset=1', 'offset'],
    ['limit=1&limit=2', 'limit'],
    ['cursor=A&from=1', 'from'],
  ])('%s with 422, naming the parameter', async (query, parameter) => {
    const topic = await makeTopic()
    const { get } = await client()
    const answer = await get(`/v1/topics/${topic}/records?${query}`)
    expect(answer.json).toMatchObject({ status: 422, code: 'invalid_parameter' })
    expect((answer.json as { errors: unknown[] }).errors).toContainEqual(
      expect.objectContaining({ parameter }),
    )
    expect((answer.json as { detail: string }).detail).toContain(`${parameter}: `)
  })

  it('cursors that are not of this topic, or of no topic, with 400', async () => {
    const [topic, other] = [await makeTopic({ partitions: 2 }), await makeTopic()]
    const api = await client()
    const { cursor } = await read(api, other)
    for (const bad of [cursor, 'AAAA', '', 'x'.repeat(9_000), `${cursor}A`]) {
      const answer = await api.get(`/v1/topics/${topic}/records?cursor=${bad}`)
      expect(answer.json).toMatchObject({ status: 400, code: 'invalid_cursor' })
    }
    const own = await read(api, topic)
    const answer = await api.get(`/v1/topics/${topic}/records?cursor=${own.cursor}&partition=1`)
    expect(answer.json).toMatchObject({ status: 422, errors: [{ parameter: 'partition' }] })
  })

  it('what does not exist with 404, and creates nothing', async () => {
    const { get } = await client()
    const topic = await makeTopic()
    expect((await get('/v1/topics/no-such-topic/records')).json).toMatchObject({
      code: 'topic_not_found',
      status: 404,
    })
    const partition = await get(`/v1/topics/${topic}/records?partition=1`)
    expect(partition.json).toMatchObject({ code: 'partition_not_found', status: 404 })
    expect(await withAdmin((admin) => admin.listTopics())).not.toContain('no-such-topic')
  })

  it('a form it cannot give with 406', async () => {
    const { get } = await client()
    const answer = await get('/v1/topics/any/records', { headers: { accept: 'text/csv' } })
    expect(answer.json).toMatchObject({ status: 406, code: 'not_acceptable' })
  })

  it('with 503, in time, while Kafka is down', async () => {
    const { get } = await client({ KAFKA_BROKERS: '127.0.0.1:1' })
    const answer = await get('/v1/topics/any/records')
    expect(answer.json).toMatchObject({ status: 503, code: 'kafka_unavailable', retryable: true })
  })
})
