import { describe, expect, it } from 'vitest'
import { startTestGateway } from '../../support/gateway.ts'
import { http, type HttpAnswer } from '../../support/http.ts'
import { makeTopic, uniqueName, withAdmin } from '../../support/kafka.ts'
import { readAll } from '../../support/read-all.ts'

const json = { headers: { 'content-type': 'application/json' } }
const text = (bytes: Buffer | null | undefined) => (bytes ? bytes.toString() : bytes)

interface Result {
  readonly offset?: number
  readonly error?: { code: string; outcome: string; retryable: boolean }
}
const results = (answer: HttpAnswer) => (answer.json as { results: Result[] }).results

async function topicWith(configs: Record<string, string> = {}) {
  const client = http(await startTestGateway())
  const topic = await makeTopic({ partitions: 1, configs })
  return { client, topic, post: (body: unknown) => client.post(`/v1/topics/${topic}/records`, body, json) }
}

describe('a batch of which Kafka refuses some records', () => {
  it('is 207 with only the record that is too large refused, and the others written once', async () => {
    const { topic, post } = await topicWith({ 'max.message.bytes': '20000' })
    const records = Array.from({ length: 300 }, (_, i) => ({
      value: `v${i}`.padEnd(i === 123 ? 30_000 : 200, '.'),
    }))
    const answer = await post({ records })
    expect(answer.status).toBe(207)
    const refused = results(answer).flatMap(({ error }, i) => (error ? [{ i, ...error }] : []))
    expect(refused).toMatchObject([
      { i: 123, code: 'record_too_large', outcome: 'not_written', retryable: false },
    ])
    const read = await readAll(topic)
    expect(read.map((r) => text(r.value))).toEqual(records.filter((_, i) => i !== 123).map((r) => r.value))
    results(answer).forEach(({ offset }, i) => {
      if (offset !== undefined) expect(text(read[offset]!.value)).toBe(records[i]!.value)
    })
  })

  it('is 207 with only the records without a key refused, where the topic is compacted', async () => {
    const { topic, post } = await topicWith({ 'cleanup.policy': 'compact' })
    const answer = await post({
      records: [
        { key: 'a', value: '1' },
        { value: '2' },
        { key: '', value: '3' },
        { value: null },
        { key: 'b', value: null },
      ],
    })
    expect(answer.status).toBe(207)
    expect(results(answer).map(({ error }) => error?.code)).toEqual([
      undefined,
      'record_rejected',
      undefined,
      'record_rejected',
      undefined,
    ])
    expect((await readAll(topic)).map((r) => [text(r.key), text(r.value)])).toEqual([
      ['a', '1'],
      ['', '3'],
      ['b', null],
    ])
  })

  it('is 207 with only the record that comes from too far in the future refused', async () => {
    const { topic, post } = await topicWith({ 'message.timestamp.after.max.ms': '60000' })
    const answer = await post({
      records: [{ value: 'a' }, { value: 'b', timestamp: Date.now() + 120_000 }, { value: 'c' }],
    })
    expect(answer.status).toBe(207)
    expect(results(answer)[1]!.error).toMatchObject({ code: 'record_rejected', outcome: 'not_written' })
    expect((await readAll(topic)).map((r) => text(r.value))).toEqual(['a', 'c'])
  })

  it('is 207 with only the record refused that names a partition there is none of', async () => {
    const { topic, post } = await topicWith()
    const answer = await post({
      records: [{ value: 'a' }, { value: 'b', partition: 7 }, { value: 'c', partition: 0 }],
    })
    expect(answer.status).toBe(207)
    expect(results(answer)[1]!.error).toMatchObject({ code: 'partition_not_found', outcome: 'not_written' })
    expect((await readAll(topic)).map((r) => text(r.value))).toEqual(['a', 'c'])
  })

  it('does not hold up or refuse what others send to the partition at the same time', async () => {
    const { topic, post } = await topicWith({ 'max.message.bytes': '20000' })
    const sent = Array.from({ length: 200 }, (_, i) =>
      post({ value: i % 20 === 7 ? 'x'.repeat(25_000) : `v${i}` }),
    )
    const answers = await Promise.all(sent)
    answers.forEach((answer, i) => expect([i, answer.status]).toEqual([i, i % 20 === 7 ? 413 : 200]))
    expect(await readAll(topic)).toHaveLength(190)
  })
})

describe('a batch or record of which Kafka takes nothing', () => {
  it.each([
    ['too large', { 'max.message.bytes': '1000' }, { value: 'x'.repeat(2_000) }, 413, 'record_too_large'],
    [
      'without a key for a compacted topic',
      { 'cleanup.policy': 'compact' },
      { value: 1 },
      422,
      'record_rejected',
    ],
    [
      'too far in the future',
      { 'message.timestamp.after.max.ms': '1' },
      { value: 1, timestamp: 9e15 },
      422,
      'record_rejected',
    ],
  ])('has the status of its own problem: %s', async (_, configs, record, status, code) => {
    const { topic, post } = await topicWith(configs as unknown as Record<string, string>)
    const single = await post(record)
    expect(single.status).toBe(status)
    expect(single.json).toMatchObject({ code, outcome: 'not_written', retryable: false })
    const batch = await post({ records: [record, record] })
    expect(batch.status).toBe(status)
    const each = { error: { code, outcome: 'not_written' } }
    expect(batch.json).toMatchObject({ code, outcome: 'not_written', results: [each, each] })
    expect(await readAll(topic)).toEqual([])
  })

  it('takes a record as large as the topic allows, and refuses one byte more', async () => {
    const limit = 3_000
    const { post } = await topicWith({ 'max.message.bytes': String(limit) })
    // A batch of one record with nothing in it but a value of this size: 61 bytes of header, 9 of the record's own.
    const largest = limit - 61 - 9
    const answers = await Promise.all([largest, largest + 1].map((n) => post({ value: 'x'.repeat(n) })))
    expect(answers.map(({ status }) => status)).toEqual([200, 413])
  })
})

describe('a request that cannot be a produce', () => {
  const deep = '['.repeat(501) + ']'.repeat(501)
  const manyHeaders = JSON.stringify(Array.from({ length: 1_001 }, () => ({ name: 'a', value: null })))
  it.each<[string, string, number, string, string?]>([
    ['truncated', '{"value":1', 400, 'malformed_json'],
    ['with something behind it', '{"value":1}}', 400, 'malformed_json'],
    ['empty', '', 400, 'malformed_json'],
    ['with half a surrogate pair', '{"value":"\\ud800"}', 400, 'malformed_json', '/value'],
    ['nested too deep', `{"value":${deep}}`, 400, 'malformed_json'],
    ['without a value', '{"key":"a"}', 422, 'invalid_request', '/value'],
    ['with a member of another name', '{"value":1,"Value":2}', 422, 'invalid_request', '/Value'],
    ['without records', '{"records":[]}', 422, 'empty_batch'],
    [
      'with too many records',
      `{"records":[${'{"value":1},'.repeat(5)}{"value":1}]}`,
      422,
      'too_many_records',
    ],
    [
      'with base64 that is none',
      '{"value":"YQ","valueEncoding":"base64"}',
      422,
      'invalid_encoding',
      '/value',
    ],
    [
      'with base64 of another form',
      '{"value":"YR==","valueEncoding":"base64"}',
      422,
      'invalid_encoding',
      '/value',
    ],
    ['with partition -1', '{"value":1,"partition":-1}', 422, 'invalid_partition', '/partition'],
    ['with partition 2^31', '{"value":1,"partition":2147483648}', 422, 'invalid_partition', '/partition'],
    ['with partition 1e0', '{"value":1,"partition":1e0}', 422, 'invalid_partition', '/partition'],
    ['with partition "0"', '{"value":1,"partition":"0"}', 422, 'invalid_partition', '/partition'],
    [
      'with a timestamp past 2^53',
      '{"value":1,"timestamp":9007199254740993}',
      422,
      'invalid_request',
      '/timestamp',
    ],
    ['with a header that is a number', '{"value":1,"headers":{"a":1}}', 422, 'invalid_headers', '/headers/a'],
    [
      'with a line break in a header name',
      '{"value":1,"headers":{"a\\n":""}}',
      422,
      'invalid_headers',
      '/headers/a\n',
    ],
    [
      'with 1,001 headers',
      `{"value":1,"headers":${manyHeaders}}`,
      422,
      'invalid_headers',
      '/headers/1000/value',
    ],
  ])('is refused as a whole: %s', async (_, body, status, code, pointer) => {
    const client = http(await startTestGateway({ SLUICE_MAX_BATCH_RECORDS: '5' }))
    const topic = await makeTopic()
    const answer = await client.post(`/v1/topics/${topic}/records`, body, json)
    expect(answer.status).toBe(status)
    expect(answer.json).toMatchObject({ code, outcome: 'not_written', retryable: false })
    if (pointer !== undefined) expect(answer.json).toMatchObject({ errors: [{ pointer }] })
    expect(await readAll(topic)).toEqual([])
  })

  it.each([
    ['..', 422, 'invalid_topic_name'],
    ['a'.repeat(250), 422, 'invalid_topic_name'],
    ['a%2Fb', 422, 'invalid_topic_name'],
    ['a%00', 422, 'invalid_topic_name'],
    ['%D0%B0', 422, 'invalid_topic_name'],
    ['a%252e', 422, 'invalid_topic_name'],
    ['__consumer_offsets', 403, 'internal_topic'],
    ['__transaction_state', 403, 'internal_topic'],
    ['__share_group_state', 403, 'internal_topic'],
  ])('is refused for the topic %s', async (topic, status, code) => {
    const client = http(await startTestGateway())
    const answer = await client.post(
      `/v1/topics/${topic.replace('..', '%2E%2E')}/records`,
      { value: 1 },
      json,
    )
    // Some URL parsers take %2E%2E for what it stands for.
    if (topic === '..') expect([404, 422]).toContain(answer.status)
    else {
      expect(answer.status).toBe(status)
      expect(answer.json).toMatchObject({ code, outcome: 'not_written' })
    }
  })

  it('is 404 for a topic there is none of, and makes none', async () => {
    const client = http(await startTestGateway())
    const topic = uniqueName('never')
    const answer = await client.post(`/v1/topics/${topic}/records`, { value: 1 }, json)
    expect(answer.status).toBe(404)
    expect(answer.json).toMatchObject({ code: 'topic_not_found', outcome: 'not_written', retryable: false })
    expect(await withAdmin((admin) => admin.listTopics())).not.toContain(topic)
  })

  it.each([
    ['application/json; charset=utf-16', 415],
    ['not a type', 415],
    ['application/json; charset=UTF-8', 200],
    ['Application/JSON', 200],
  ])('is told by its type: %s', async (type, status) => {
    const client = http(await startTestGateway())
    const topic = await makeTopic()
    const answer = await client.post(`/v1/topics/${topic}/records`, '{"value":1}', {
      headers: { 'content-type': type },
    })
    expect(answer.status).toBe(status)
    if (status === 415)
      expect(answer.json).toMatchObject({ code: 'unsupported_media_type', outcome: 'not_written' })
    expect(await readAll(topic)).toHaveLength(status === 200 ? 1 : 0)
  })
})
