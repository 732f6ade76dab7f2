import { randomBytes } from 'node:crypto'
import { describe, expect, it, vi } from 'vitest'
import { startTestGateway } from '../../support/gateway.ts'
import { committedOffsets } from '../../support/groups.ts'
import { http } from '../../support/http.ts'
import { makeTopic, uniqueName, withAdmin } from '../../support/kafka.ts'
import { allValues, committedValues, readCommitted, transact } from '../../support/transactions.ts'

const json = { headers: { 'content-type': 'application/json' } }
const position = { topic: 't', partition: 0, offset: 0 }
function offsets(list: unknown[], group = 'g') {
  return { offsets: { group, offsets: list } }
}

const mistakes: [what: string, body: unknown, status: number, code: string, pointer?: string][] = [
  ['no JSON', '{"records":[', 400, 'malformed_json'],
  ['no object', '[]', 422, 'invalid_request', ''],
  ['nothing to do', {}, 422, 'empty_transaction'],
  ['no records', { records: [] }, 422, 'empty_transaction'],
  ['records that are none', { records: {} }, 422, 'invalid_request', '/records'],
  ['an unknown member', { records: [{ topic: 't', value: 1 }], more: 1 }, 422, 'invalid_request', '/more'],
  ['a record without a topic', { records: [{ value: 1 }] }, 422, 'invalid_request', '/records/0/topic'],
  [
    'a topic that is no text',
    { records: [{ topic: 1, value: 1 }] },
    422,
    'invalid_request',
    '/records/0/topic',
  ],
  ['a record without a value', { records: [{ topic: 't' }] }, 422, 'invalid_request', '/records/0/value'],
  [
    'a name no topic has',
    { records: [{ topic: 'a b', value: 1 }] },
    422,
    'invalid_topic_name',
    '/records/0/topic',
  ],
  ['an internal topic', { records: [{ topic: '__consumer_offsets', value: 1 }] }, 403, 'internal_topic'],
  ['offsets without a group', { offsets: { offsets: [position] } }, 422, 'invalid_request', '/offsets/group'],
  ['an empty group', offsets([position], ''), 422, 'invalid_request', '/offsets/group'],
  ['no offsets', offsets([]), 422, 'invalid_request', '/offsets/offsets'],
  ['a partition given twice', offsets([position, position]), 422, 'invalid_request', '/offsets/offsets/1'],
  [
    'a negative offset',
    offsets([{ ...position, offset: -1 }]),
    422,
    'invalid_request',
    '/offsets/offsets/0/offset',
  ],
  [
    'an offset past what a number holds',
    '{"offsets":{"group":"g","offsets":[{"topic":"t","partition":0,"offset":9007199254740993}]}}',
    422,
    'invalid_request',
    '/offsets/offsets/0/offset',
  ],
  ['too long a time', { ...offsets([position]), timeoutMs: 10_001 }, 422, 'invalid_request', '/timeoutMs'],
  ['no time', { ...offsets([position]), timeoutMs: 0 }, 422, 'invalid_request', '/timeoutMs'],
  ['a member twice', '{"records":[],"records":[]}', 422, 'invalid_request', '/records'],
]

async function setUp(env: Record<string, string> = {}) {
  const gateway = await startTestGateway(env)
  return { gateway, client: http(gateway) }
}

describe('POST /v1/transactions', () => {
  it('writes records to several topics and commits offsets of a group, and says where and that it did', async () => {
    const { client } = await setUp()
    const [orders, invoices, group] = [await makeTopic({ partitions: 3 }), await makeTopic(), uniqueName('g')]
    const answer = await transact(client, {
      records: [
        { topic: orders, key: 'a', value: { n: 1 }, partition: 2 },
        { topic: invoices, value: 'x', timestamp: 1_700_000_000_000 },
        { topic: orders, value: 'y', partition: 0 },
        { topic: orders, value: 'z', partition: 2 },
      ],
      offsets: { group, offsets: [{ topic: orders, partition: 1, offset: 42, metadata: 'so far' }] },
    })
    expect(answer.status).toBe(200)
    expect(answer.json).toMatchObject({
      state: 'committed',
      results: [
        { topic: orders, partition: 2, offset: 0 },
        { topic: invoices, partition: 0, offset: 0, timestamp: 1_700_000_000_000 },
        { topic: orders, partition: 0, offset: 0 },
        { topic: orders, partition: 2, offset: 1 },
      ],
    })
    const seen = await readCommitted(orders, 3)
    expect(seen.map((r) => [r.partition, String(r.value)]).sort()).toEqual([
      [0, 'y'],
      [2, 'z'],
      [2, '{"n":1}'],
    ])
    expect(await committedValues(client, invoices)).toEqual(['x'])
    await vi.waitFor(async () => expect(await committedOffsets(group, orders)).toEqual([-1, 42, -1]))
    const [found] = await withAdmin((admin) => admin.fetchOffsets({ groupId: group, topics: [orders] }))
    expect(found!.partitions.find((p) => p.partition === 1)!.metadata).toBe('so far')
  })

  it('is read back by a read_committed reader of the gateway', async () => {
    const { client } = await setUp()
    const topic = await makeTopic()
    await transact(client, { records: [{ topic, value: 1 }] })
    await vi.waitFor(async () => {
      const read = await client.get(`/v1/topics/${topic}/records?from=earliest&isolation=read_committed`)
      expect((read.json as { records: unknown[] }).records).toMatchObject([{ value: '1' }])
    })
  })

  it('places keys as producing to the topic does, and keeps bytes', async () => {
    const { client } = await setUp()
    const topic = await makeTopic({ partitions: 7 })
    const keys = Array.from({ length: 20 }, (_, i) => `key-${i}`)
    const plain = await client.post(`/v1/topics/${topic}/records`, {
      records: keys.map((key) => ({ key, value: '' })),
    })
    const before = (plain.json as { results: { partition: number }[] }).results
    const answer = await transact(client, { records: keys.map((key) => ({ topic, key, value: '' })) })
    expect(answer.json.results.map((r) => r.partition)).toEqual(before.map((r) => r.partition))

    const exact = await makeTopic()
    const body = `{"records":[
      {"topic":"${exact}","key":1.0,"value":{ "b" : 12345678901234567890, "a":1 },"headers":[{"name":"h","value":"/w==","encoding":"base64"},{"name":"h","value":null}]},
      {"topic":"${exact}","key":"AP8=","keyEncoding":"base64","value":null},
      {"value":"é\\u00e9\\/","topic":"${exact.replace('-', '\\u002d')}"}]}`
    expect((await client.post('/v1/transactions', body, json)).status).toBe(200)
    const records = await readCommitted(exact, 3)
    expect(records.map(({ key, value }) => [key?.toString('latin1'), value?.toString()])).toEqual([
      ['1.0', '{ "b" : 12345678901234567890, "a":1 }'],
      ['\0\xff', undefined],
      [undefined, 'éé/'],
    ])
    expect(records[1]!.value).toBe(null)
    expect(records[0]!.headers).toEqual({ h: [Buffer.from([0xff]), null] })
  })

  it('takes offsets alone, and more records for one partition than a batch may hold', async () => {
    const { client } = await setUp()
    const [topic, group] = [await makeTopic(), uniqueName('g')]
    const alone = await transact(client, {
      offsets: { group, offsets: [{ topic, partition: 0, offset: 5 }] },
    })
    expect([alone.status, alone.json.results]).toEqual([200, []])
    await vi.waitFor(async () => expect(await committedOffsets(group, topic)).toEqual([5]))

    const value = 'v'.repeat(90_000)
    const many = await transact(client, {
      records: Array.from({ length: 30 }, (_, i) => ({ topic, value: `${i}${value}` })),
    })
    expect(many.json.results.map((r) => r.offset)).toEqual([...Array(30).keys()])
    expect((await committedValues(client, topic)).map((v) => parseInt(v))).toEqual([...Array(30).keys()])
  })

  it('compresses its batches as the configuration has it', async () => {
    const { client } = await setUp({ SLUICE_PRODUCE_COMPRESSION: 'gzip' })
    const [topic, small] = [await makeTopic(), await makeTopic({ configs: { 'max.message.bytes': '500' } })]
    const long = 'v'.repeat(5_000)
    expect((await transact(client, { records: [{ topic: small, value: long }] })).status).toBe(200)
    const incompressible = randomBytes(1_000).toString('base64')
    const records = [
      { topic, value: long },
      { topic: small, value: incompressible },
    ]
    expect((await transact(client, { records })).json).toMatchObject({ state: 'aborted' })
    expect(await committedValues(client, small)).toEqual([long])
    expect(await committedValues(client, topic)).toEqual([])
    expect(await allValues(topic)).toEqual([long])
  })

  it('divides what a topic takes only in smaller batches', async () => {
    const { client } = await setUp()
    const topic = await makeTopic({ configs: { 'max.message.bytes': '2000' } })
    const records = Array.from({ length: 12 }, (_, i) => ({ topic, value: `${i}${'v'.repeat(900)}` }))
    const { json } = await transact(client, { records })
    expect(json.results.map((r) => r.offset)).toEqual([...Array(12).keys()])
  })

  it('serves 50 at once, each whole, none behind another', async () => {
    const { client } = await setUp()
    const [left, right] = [await makeTopic({ partitions: 3 }), await makeTopic({ partitions: 2 })]
    const values = Array.from({ length: 50 }, (_, i) => `v${i}`)
    const answers = await Promise.all(
      values.map((value) =>
        transact(client, { records: [left, right].map((topic) => ({ topic, key: value, value })) }),
      ),
    )
    expect(answers.map(({ status }) => status)).toEqual(values.map(() => 200))
    expect(new Set(answers.map(({ json }) => json.transaction)).size).toBe(50)
    for (const topic of [left, right]) {
      const seen = await readCommitted(topic, 50)
      expect(seen.map((r) => String(r.value)).sort()).toEqual(values.toSorted())
    }
  })

  it('refuses one more than SLUICE_MAX_TRANSACTIONS with 503 and Retry-After', async () => {
    const { client } = await setUp({ SLUICE_MAX_TRANSACTIONS: '2' })
    const topic = await makeTopic()
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => transact(client, { records: [{ topic, value: 'x' }] })),
    )
    const refused = answers.filter(({ status }) => status !== 200)
    expect(refused.length).toBeGreaterThan(0)
    for (const { status, json, headers } of refused) {
      expect([status, headers.get('retry-after')]).toEqual([503, '1'])
      expect(json).toMatchObject({ code: 'overloaded', state: 'aborted', outcome: 'not_written' })
    }
    expect((await committedValues(client, topic)).length).toBe(answers.length - refused.length)
    expect((await transact(client, { records: [{ topic, value: 'x' }] })).status).toBe(200)
  })
})

describe('a transaction of which a part cannot be', () => {
  it('leaves nothing that a read_committed reader sees, and commits no offset', async () => {
    const { client } = await setUp()
    const [topic, group] = [await makeTopic(), uniqueName('g')]
    const small = await makeTopic({ configs: { 'max.message.bytes': '500' } })
    const answer = await transact(client, {
      records: [
        { topic, value: 'half' },
        { topic: small, value: 'fits' },
        { topic: small, value: 'x'.repeat(1_000) },
      ],
      offsets: { group, offsets: [{ topic, partition: 0, offset: 7 }] },
    })
    expect(answer.status).toBe(413)
    expect(answer.json).toMatchObject({
      code: 'record_too_large',
      outcome: 'not_written',
      state: 'aborted',
      errors: [{ pointer: '/records/2' }],
    })
    const { transaction } = answer.json
    expect((await client.get(`/v1/transactions/${transaction}`)).json).toEqual({
      transaction,
      state: 'aborted',
    })
    expect(await committedValues(client, topic)).toEqual([])
    expect(await committedValues(client, small)).toEqual([])
    expect(await allValues(topic)).toEqual(['half'])
    expect(await committedOffsets(group, topic)).toEqual([-1])
  })

  it('is told of the topic or partition that there is not, by pointers, and writes nothing', async () => {
    const { client } = await setUp()
    const topic = await makeTopic()
    const none = uniqueName('none')
    const missing = await transact(client, {
      records: [
        { topic, value: 'x' },
        { topic: none, value: 'x' },
      ],
      offsets: { group: 'g', offsets: [{ topic: none, partition: 0, offset: 0 }] },
    })
    expect([missing.status, missing.json]).toMatchObject([
      404,
      {
        code: 'topic_not_found',
        state: 'aborted',
        errors: [{ pointer: '/records/1/topic' }, { pointer: '/offsets/offsets/0/topic' }],
      },
    ])
    const beyond = await transact(client, {
      records: [
        { topic, value: 'x' },
        { topic, value: 'x', partition: 1 },
      ],
      offsets: { group: 'g', offsets: [{ topic, partition: 3, offset: 0 }] },
    })
    expect([beyond.status, beyond.json]).toMatchObject([
      404,
      {
        code: 'partition_not_found',
        errors: [{ pointer: '/records/1/partition' }, { pointer: '/offsets/offsets/0/partition' }],
      },
    ])
    expect(await committedValues(client, topic)).toEqual([])
  })

  it('is refused where the topic wants keys, with the record at fault', async () => {
    const { client } = await setUp()
    const topic = await makeTopic({ configs: { 'cleanup.policy': 'compact' } })
    const answer = await transact(client, {
      records: [
        { topic, key: 'k', value: 'x' },
        { topic, value: 'x' },
      ],
    })
    expect([answer.status, answer.json]).toMatchObject([
      422,
      { code: 'record_rejected', state: 'aborted', errors: [{ pointer: '/records/1' }] },
    ])
  })

  it('is refused before it begins where the request is wrong', async () => {
    const { client } = await setUp()
    for (const [what, body, status, code, pointer] of mistakes) {
      const answer = await client.post('/v1/transactions', body, json)
      const expected = { code, state: 'aborted', outcome: 'not_written' }
      expect([answer.status, answer.json], what).toMatchObject([status, expected])
      if (pointer !== undefined) expect(answer.json, what).toMatchObject({ errors: [{ pointer }] })
    }
  })

  it('is refused for too many records, another type and a query', async () => {
    const { client } = await setUp({ SLUICE_MAX_BATCH_RECORDS: '2' })
    const record = { topic: 't', value: 1 }
    const many = await client.post('/v1/transactions', { records: [record, record, record] })
    expect(many.json).toMatchObject({ code: 'too_many_records', limit: 2 })
    const text = await client.post('/v1/transactions', 'x', { headers: { 'content-type': 'text/plain' } })
    expect(text.json).toMatchObject({ code: 'unsupported_media_type' })
    const query = await client.post('/v1/transactions?x=1', { records: [record] })
    expect(query.json).toMatchObject({ code: 'invalid_parameter' })
  })
})

describe('GET /v1/transactions/{transaction}', () => {
  it('asks Kafka where the answer did not know, at any gateway', async () => {
    const { client } = await setUp()
    const topic = await makeTopic()
    const { json } = await transact(client, { records: [{ topic, value: 'x' }] })
    // As a 504 would have named it.
    const transaction = json.transaction.replace(/c$/, '2')
    const { client: other } = await setUp()
    expect((await other.get(`/v1/transactions/${transaction}`)).json).toEqual({
      transaction,
      state: 'committed',
    })
  })

  it('is 404 for what no answer ever named', async () => {
    const { client } = await setUp()
    const names = ['nonsense', 'sluice-never-0.1.0.2', 'other-id-0.1.0.2', 'sluice-a-1.1.0.3']
    for (const transaction of names) {
      const answer = await client.get(`/v1/transactions/${transaction}`)
      expect([answer.status, answer.json]).toMatchObject([404, { code: 'transaction_not_found' }])
    }
  })
})
