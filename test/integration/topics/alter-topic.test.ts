import { describe, expect, it } from 'vitest'
import { EventStream } from '../../support/event-stream.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { http, type HttpAnswer } from '../../support/http.ts'
import { addPartitions, makeTopic, uniqueName, withAdmin } from '../../support/kafka.ts'
import { createTopic } from '../../support/topics.ts'

interface Described {
  partitions: { partition: number; leader: number }[]
  configs: { name: string; value: string; source: string }[]
}

/** The configs that are set on a topic itself, as an answer shows them. */
function ownConfigs({ json }: HttpAnswer): Record<string, string> {
  const own = (json as Described).configs.filter(({ source }) => source === 'topic')
  return Object.fromEntries(own.map(({ name, value }) => [name, value]))
}

/** The configs that the witness sees set on a topic itself. */
async function configsInKafka(topic: string): Promise<Record<string, string>> {
  const resources = [{ type: 2, name: topic }]
  const answer = await withAdmin((admin) => admin.describeConfigs({ includeSynonyms: false, resources }))
  const own = answer.resources[0]!.configEntries.filter(({ configSource }) => Number(configSource) === 1)
  return Object.fromEntries(own.map(({ configName, configValue }) => [configName, configValue]))
}

describe('PATCH /v1/topics/{topic}', () => {
  it('sets, takes back, appends and subtracts configs, and leaves the others as they are', async () => {
    const client = http(await startTestGateway())
    const configs = { 'retention.ms': '1000', 'segment.ms': '5000', 'cleanup.policy': 'compact' }
    const topic = await makeTopic({ configs })
    const patch = (body: unknown) => client.patch(`/v1/topics/${topic}`, body)
    const set = await patch({
      retention: '7d',
      configs: { 'max.message.bytes': 2_000_000, preallocate: true },
      append: { 'cleanup.policy': ['delete', 'compact'] },
    })
    expect(set.status).toBe(200)
    const expected = {
      'retention.ms': '604800000',
      'segment.ms': '5000',
      'cleanup.policy': 'compact,delete',
      'max.message.bytes': '2000000',
      preallocate: 'true',
    }
    expect(ownConfigs(set)).toEqual(expected)
    expect(await configsInKafka(topic)).toEqual(expected)
    const unset = await patch({
      retention: null,
      configs: { preallocate: null, 'max.message.bytes': null },
      subtract: { 'cleanup.policy': ['compact', 'never'] },
    })
    expect(ownConfigs(unset)).toEqual({ 'segment.ms': '5000', 'cleanup.policy': 'delete' })
    expect(await configsInKafka(topic)).toEqual(ownConfigs(unset))
    const cleanup = await patch({ cleanup: null, configs: { 'segment.ms': ' 6000 ' } })
    expect(ownConfigs(cleanup)).toEqual({ 'segment.ms': '6000' })
  })

  it('changes nothing more when it is repeated, nor when it changes nothing', async () => {
    const client = http(await startTestGateway())
    const topic = await createTopic(client, { partitions: 2 })
    const body = {
      partitions: 4,
      retention: '1d',
      configs: { 'segment.ms': null },
      append: { 'cleanup.policy': ['compact'] },
    }
    const first = await client.patch(`/v1/topics/${topic}`, body)
    expect(first.status).toBe(200)
    const again = await client.patch(`/v1/topics/${topic}`, body)
    expect(again.json).toEqual(first.json)
    expect(again.headers.get('etag')).toBe(first.headers.get('etag'))
    const nothing = await client.patch(`/v1/topics/${topic}`, {})
    expect(nothing.json).toEqual(first.json)
  })

  it('adds partitions that take records at once, by key as well, and that open streams take up', async () => {
    const gateway = await startTestGateway()
    const client = http(gateway)
    const topic = await createTopic(client, { partitions: 1 })
    await client.post(`/v1/topics/${topic}/records`, { key: 'before', value: 0 })
    const stream = await EventStream.open(gateway, topic, { from: 'earliest' })
    await stream.received(1)
    const patched = await client.patch(`/v1/topics/${topic}`, { partitions: 12 })
    expect((patched.json as Described).partitions).toHaveLength(12)
    const records = Array.from({ length: 200 }, (_, n) => ({ key: `k${n}`, value: n }))
    const produced = await client.post(`/v1/topics/${topic}/records`, { records })
    const { results } = produced.json as { results: { partition: number }[] }
    expect(new Set(results.map(({ partition }) => partition)).size).toBe(12)
    const seen = await stream.received(201)
    expect(new Set(seen.map(({ key }) => key)).size).toBe(201)
    expect(await withAdmin((admin) => admin.fetchTopicOffsets(topic))).toHaveLength(12)
  })

  it('shows partitions that another client added, and does not take fewer for a change', async () => {
    const client = http(await startTestGateway())
    const topic = await createTopic(client, { partitions: 2 })
    await addPartitions(topic, 5)
    const same = await client.patch(`/v1/topics/${topic}`, { partitions: 5 })
    expect((same.json as Described).partitions).toHaveLength(5)
    const fewer = await client.patch(`/v1/topics/${topic}`, { partitions: 4, retention: '1d' })
    expect(fewer.status).toBe(422)
    expect(fewer.json).toMatchObject({
      code: 'invalid_topic_config',
      errors: [{ pointer: '/partitions', reason: 'the topic has 5 already, and Kafka takes none away' }],
    })
    expect(await configsInKafka(topic)).toEqual({})
  })

  it('says what would change, and changes nothing, with validateOnly', async () => {
    const client = http(await startTestGateway())
    const topic = await createTopic(client, { partitions: 2, configs: { 'segment.ms': 5000 } })
    const before = await client.get(`/v1/topics/${topic}`)
    const plan = await client.patch(`/v1/topics/${topic}`, {
      partitions: 3,
      retention: '1d',
      configs: { 'segment.ms': null },
      append: { 'cleanup.policy': ['compact'] },
      validateOnly: true,
    })
    expect(plan.status).toBe(200)
    expect(plan.json).toEqual({
      name: topic,
      partitions: { before: 2, after: 3 },
      configs: [
        { name: 'segment.ms', before: '5000', after: null },
        { name: 'retention.ms', before: '604800000', after: '86400000' },
        { name: 'cleanup.policy', before: 'delete', after: 'delete,compact' },
      ],
    })
    const refused = await client.patch(`/v1/topics/${topic}`, {
      configs: { 'segment.ms': 'soon' },
      validateOnly: true,
    })
    expect(refused.status).toBe(422)
    expect((await client.get(`/v1/topics/${topic}`)).json).toEqual(before.json)
  })

  it('412s with precondition_failed where the topic is not as its ETag said, and tells the new one', async () => {
    const client = http(await startTestGateway())
    const topic = await createTopic(client)
    const path = `/v1/topics/${topic}`
    const tag = (await client.get(path)).headers.get('etag')!
    await client.post(`${path}/records`, { value: 'does not change the tag' })
    const first = await client.patch(path, { retention: '1d' }, { headers: { 'if-match': tag } })
    expect(first.status).toBe(200)
    for (const validateOnly of [true, false]) {
      const body = { partitions: 2, validateOnly }
      const second = await client.patch(path, body, { headers: { 'if-match': tag } })
      expect(second.status).toBe(412)
      expect(second.json).toMatchObject({ code: 'precondition_failed' })
      expect(second.headers.get('etag')).toBe(first.headers.get('etag'))
    }
    const now = first.headers.get('etag')!
    const third = await client.patch(path, { partitions: 2 }, { headers: { 'if-match': `"x", ${now}` } })
    expect(third.status).toBe(200)
    expect(third.headers.get('etag')).not.toBe(now)
  })

  it('keeps what each of many writers changes at the same time', async () => {
    const client = http(await startTestGateway())
    const topic = await createTopic(client)
    const names = ['retention.ms', 'segment.ms', 'flush.ms', 'file.delete.delay.ms', 'max.message.bytes']
    const answers = await Promise.all([
      ...names.map((name, n) => client.patch(`/v1/topics/${topic}`, { configs: { [name]: 10_000 + n } })),
      ...[3, 3].map((partitions) => client.patch(`/v1/topics/${topic}`, { partitions })),
    ])
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
    expect(await configsInKafka(topic)).toEqual(
      Object.fromEntries(names.map((name, n) => [name, String(10_000 + n)])),
    )
  })

  it.each<[string, unknown, string, string]>([
    ['an unknown member', { partition: 2 }, 'invalid_request', '/partition'],
    ['partitions as text', { partitions: '2' }, 'invalid_request', '/partitions'],
    ['more than are made at once', { partitions: 10_001 }, 'invalid_request', '/partitions'],
    ['a retention without a unit', { retention: '7' }, 'invalid_request', '/retention'],
    [
      'an item with a comma',
      { append: { 'cleanup.policy': ['a,b'] } },
      'invalid_request',
      '/append/cleanup.policy/0',
    ],
    ['no items', { append: { 'cleanup.policy': [] } }, 'invalid_request', '/append/cleanup.policy'],
    [
      'a config set twice',
      { cleanup: 'delete', append: { 'cleanup.policy': ['compact'] } },
      'invalid_request',
      '/cleanup',
    ],
    ['an unknown config', { configs: { nope: '1' } }, 'invalid_topic_config', '/configs/nope'],
    ['an unknown config to delete', { configs: { nope: null } }, 'invalid_topic_config', '/configs/nope'],
    ['an unknown list', { subtract: { 'a~b/c': ['x'] } }, 'invalid_topic_config', '/subtract/a~0b~1c'],
    [
      'a list that is none',
      { append: { 'retention.ms': ['5'] } },
      'invalid_topic_config',
      '/append/retention.ms',
    ],
    [
      'an item it does not take',
      { append: { 'cleanup.policy': ['shred'] } },
      'invalid_topic_config',
      '/append/cleanup.policy',
    ],
    [
      'a value of another type',
      { configs: { 'retention.ms': 'soon' } },
      'invalid_topic_config',
      '/configs/retention.ms',
    ],
    [
      'a value out of range',
      { configs: { 'retention.ms': -2 } },
      'invalid_topic_config',
      '/configs/retention.ms',
    ],
    [
      'a value out of range by its other name',
      { configs: { 'segment.bytes': 1 }, retention: '1d' },
      'invalid_topic_config',
      '/configs/segment.bytes',
    ],
  ])('422s for %s, with a pointer to it, and changes nothing', async (_, body, code, pointer) => {
    const client = http(await startTestGateway())
    const topic = await createTopic(client)
    const answer = await client.patch(`/v1/topics/${topic}`, { partitions: 2, ...(body as object) })
    expect(answer.status).toBe(422)
    expect(answer.json).toMatchObject({ code, errors: [{ pointer }] })
    expect(answer.text).not.toMatch(/Invalid value|Can't|LIST|Exception/)
    expect(answer.json).not.toHaveProperty('changed')
    expect(await configsInKafka(topic)).toEqual({})
    expect(await withAdmin((admin) => admin.fetchTopicOffsets(topic))).toHaveLength(1)
  })

  it('404s for a topic that is not there, and 403s for one of Kafka itself', async () => {
    const client = http(await startTestGateway())
    const missing = await client.patch(`/v1/topics/${uniqueName()}`, { retention: '1d' })
    expect(missing.json).toMatchObject({ status: 404, code: 'topic_not_found' })
    for (const topic of ['__consumer_offsets', '__transaction_state', '_sluice_secrets']) {
      const internal = await client.patch(`/v1/topics/${topic}`, { retention: '1d' })
      expect(internal.json).toMatchObject({ status: 403, code: 'internal_topic' })
    }
  })
})
