import { onTestFinished, describe, expect, it } from 'vitest'
import { startTestGateway } from '../../support/gateway.ts'
import { http, type HttpClient } from '../../support/http.ts'
import { makeTopic, removeTopic, uniqueName, withAdmin } from '../../support/kafka.ts'

async function client(): Promise<HttpClient> {
  return http(await startTestGateway())
}

/** A new topic's name; whatever has it when the test ends is deleted. */
function topicName(prefix?: string): string {
  const topic = uniqueName(prefix)
  onTestFinished(() => removeTopic(topic))
  return topic
}

/** The configs that the witness sees set on a topic. */
async function configsInKafka(topic: string, names: string[]): Promise<Record<string, string>> {
  const { resources } = await withAdmin((admin) =>
    admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: 2, name: topic, configNames: names }],
    }),
  )
  return Object.fromEntries(resources[0]!.configEntries.map((entry) => [entry.configName, entry.configValue]))
}

async function topicsInKafka(): Promise<string[]> {
  return withAdmin((admin) => admin.listTopics())
}

describe('POST /v1/topics', () => {
  it('201s with the topic as it was made and where it is', async () => {
    const { post } = await client()
    const name = topicName()
    const answer = await post('/v1/topics', {
      name,
      partitions: 3,
      replicationFactor: 1,
      configs: { 'max.message.bytes': 2_000_000, preallocate: false, 'compression.type': 'lz4' },
      retention: '12h',
      cleanup: 'compact,delete',
    })
    expect(answer.status).toBe(201)
    expect(answer.headers.get('location')).toBe(`/v1/topics/${name}`)
    expect(answer.json).toMatchObject({
      name,
      internal: false,
      replicationFactor: 1,
      partitions: [0, 1, 2].map((partition) => ({ partition, earliestOffset: 0, latestOffset: 0 })),
    })
    const { configs } = answer.json as { configs: { name: string; value: string; source: string }[] }
    expect(configs).toContainEqual(
      expect.objectContaining({ name: 'retention.ms', value: '43200000', source: 'topic', default: false }),
    )
    expect(await configsInKafka(name, ['max.message.bytes', 'cleanup.policy', 'compression.type'])).toEqual({
      'max.message.bytes': '2000000',
      'cleanup.policy': 'compact,delete',
      'compression.type': 'lz4',
    })
  })

  it("takes the cluster's defaults for what is left out", async () => {
    const { post } = await client()
    const name = topicName()
    const { json } = await post('/v1/topics', { name })
    expect(json).toMatchObject({ partitions: [{ partition: 0 }], replicationFactor: 1 })
  })

  it('makes topics that the very next produce and describe find served', async () => {
    const { post, get } = await client()
    await Promise.all(
      Array.from({ length: 12 }, async () => {
        const name = topicName()
        expect((await post('/v1/topics', { name, partitions: 4 })).status).toBe(201)
        const produced = await post(`/v1/topics/${name}/records`, { value: 'first', partition: 3 })
        expect(produced.json).toMatchObject({ partition: 3, offset: 0 })
        expect((await get(`/v1/topics/${name}`)).status).toBe(200)
      }),
    )
  })

  it('makes a topic once, however many ask at the same time', async () => {
    const { post } = await client()
    const name = topicName()
    const answers = await Promise.all(Array.from({ length: 10 }, () => post('/v1/topics', { name })))
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array<number>(9).fill(409)])
  })

  it('409s with topic_exists and leaves the topic as it is', async () => {
    const { post } = await client()
    const name = await makeTopic({ configs: { 'retention.ms': '1000' } })
    const answer = await post('/v1/topics', { name, partitions: 7, retention: '7d' })
    expect(answer.status).toBe(409)
    expect(answer.json).toMatchObject({ code: 'topic_exists', retryable: false })
    expect(await configsInKafka(name, ['retention.ms'])).toEqual({ 'retention.ms': '1000' })
  })

  it('says what would be made and makes nothing with validateOnly', async () => {
    const { post } = await client()
    const name = topicName()
    const answer = await post('/v1/topics', { name, partitions: 5, retention: '90s', validateOnly: true })
    expect(answer.status).toBe(200)
    expect(answer.json).toMatchObject({ name, partitions: 5, replicationFactor: 1 })
    expect((answer.json as { configs: object[] }).configs).toContainEqual(
      expect.objectContaining({ name: 'retention.ms', value: '90000' }),
    )
    expect(await topicsInKafka()).not.toContain(name)
    expect((await post('/v1/topics', { name, validateOnly: true, replicationFactor: 9 })).status).toBe(422)
  })

  it.each([
    ['250ms', '250'],
    ['90s', '90000'],
    ['5m', '300000'],
    ['12h', '43200000'],
    ['7d', '604800000'],
    ['2w', '1209600000'],
    ['9999999999w', '6047999999395200000'],
    ['unlimited', '-1'],
  ])('turns retention %s into retention.ms %s', async (retention, value) => {
    const { post } = await client()
    const { json } = await post('/v1/topics', { name: topicName(), retention, validateOnly: true })
    expect((json as { configs: object[] }).configs).toContainEqual(
      expect.objectContaining({ name: 'retention.ms', value, source: 'topic' }),
    )
  })

  it.each<[string, Record<string, unknown>, string, string]>([
    ['no name', { name: undefined }, 'invalid_request', '/name'],
    ['a name of another type', { name: 7 }, 'invalid_request', '/name'],
    ['an empty name', { name: '' }, 'invalid_topic_name', '/name'],
    ['a dot', { name: '.' }, 'invalid_topic_name', '/name'],
    ['two dots', { name: '..' }, 'invalid_topic_name', '/name'],
    ['a slash in the name', { name: 'a/b' }, 'invalid_topic_name', '/name'],
    ['a newline in the name', { name: 'a\nb' }, 'invalid_topic_name', '/name'],
    ['a newline after the name', { name: 'ab\n' }, 'invalid_topic_name', '/name'],
    ['NUL in the name', { name: 'a\0b' }, 'invalid_topic_name', '/name'],
    ['a look-alike letter in the name', { name: 'оrders' }, 'invalid_topic_name', '/name'],
    ['a name of 250', { name: 'n'.repeat(250) }, 'invalid_topic_name', '/name'],
    ['an unknown member', { partition: 3 }, 'invalid_request', '/partition'],
    ['a member that names a prototype', { constructor: 1 }, 'invalid_request', '/constructor'],
    ['partitions as text', { partitions: '3' }, 'invalid_request', '/partitions'],
    ['no partitions', { partitions: 0 }, 'invalid_request', '/partitions'],
    ['half a partition', { partitions: 1.5 }, 'invalid_request', '/partitions'],
    ['more replicas than brokers', { replicationFactor: 9 }, 'invalid_topic_config', '/replicationFactor'],
    ['replicas past an int16', { replicationFactor: 32_768 }, 'invalid_request', '/replicationFactor'],
    ['a retention without a unit', { retention: '7' }, 'invalid_request', '/retention'],
    ['a retention of nothing', { retention: '0s' }, 'invalid_request', '/retention'],
    ['another cleanup', { cleanup: 'shred' }, 'invalid_request', '/cleanup'],
    [
      'a retention twice',
      { retention: '7d', configs: { 'retention.ms': '1' } },
      'invalid_request',
      '/retention',
    ],
    [
      'a cleanup twice',
      { cleanup: 'delete', configs: { 'cleanup.policy': 'delete' } },
      'invalid_request',
      '/cleanup',
    ],
    ['a config that is a list', { configs: { a: [] } }, 'invalid_request', '/configs/a'],
    [
      'a config that is null',
      { configs: { 'retention.ms': null } },
      'invalid_request',
      '/configs/retention.ms',
    ],
    [
      'a number JSON.parse rounds',
      { configs: { 'retention.ms': 2 ** 53 } },
      'invalid_request',
      '/configs/retention.ms',
    ],
    ['an unknown config', { configs: { 'a~b/c': '1' } }, 'invalid_topic_config', '/configs/a~0b~1c'],
    [
      'a config value of another type',
      { configs: { 'segment.ms': '1', 'retention.ms': 'soon' } },
      'invalid_topic_config',
      '/configs/retention.ms',
    ],
    [
      'a config value out of bounds',
      { configs: { 'segment.bytes': 1 } },
      'invalid_topic_config',
      '/configs/segment.bytes',
    ],
  ])(
    '422s for %s, with a pointer to it and nothing of what the broker said',
    async (_, body, code, pointer) => {
      const { post } = await client()
      const answer = await post('/v1/topics', { name: topicName(), ...body })
      expect(answer.status).toBe(422)
      expect(answer.json).toMatchObject({ code, errors: [{ pointer }] })
      expect(answer.text).not.toMatch(/Invalid value|for configuration|registered|Exception/)
    },
  )

  it('422s for a config named __proto__ instead of leaving it out', async () => {
    const { post } = await client()
    const name = topicName()
    const body = `{"name":"${name}","configs":{"__proto__":"1"}}`
    const answer = await post('/v1/topics', body, { headers: { 'content-type': 'application/json' } })
    expect(answer.status).toBe(422)
    expect(await topicsInKafka()).not.toContain(name)
  })

  it('400s for half a surrogate pair instead of changing it', async () => {
    const { post } = await client()
    const body = '{"name":"t","configs":{"leader.replication.throttled.replicas":"\\ud800"}}'
    const answer = await post('/v1/topics', body, { headers: { 'content-type': 'application/json' } })
    expect(answer.status).toBe(400)
    expect(answer.json).toMatchObject({ code: 'malformed_json' })
  })

  it('422s with invalid_topic_name where a topic differs only in . and _', async () => {
    const { post } = await client()
    const first = topicName('a.b')
    expect((await post('/v1/topics', { name: first })).status).toBe(201)
    const second = await post('/v1/topics', { name: first.replace('a.b', 'a_b') })
    expect(second.status).toBe(422)
    expect(second.json).toMatchObject({ code: 'invalid_topic_name', errors: [{ pointer: '/name' }] })
  })

  it('422s with policy_violation for more than the controller makes at once', async () => {
    const { post } = await client()
    const answer = await post('/v1/topics', { name: topicName(), partitions: 10_000, validateOnly: true })
    expect(answer.status).toBe(422)
    expect(answer.json).toMatchObject({ code: 'policy_violation' })
  })

  it.each(['__consumer_offsets', '__transaction_state', '__share_group_state', '__cluster_metadata'])(
    '403s with internal_topic for %s',
    async (name) => {
      const { post } = await client()
      const answer = await post('/v1/topics', { name })
      expect(answer.status).toBe(403)
      expect(answer.json).toMatchObject({ code: 'internal_topic' })
    },
  )
})
