import { describe, expect, it } from 'vitest'
import { startTestGateway } from '../../support/gateway.ts'
import { http } from '../../support/http.ts'
import { makeTopic, uniqueName, withAdmin, witness } from '../../support/kafka.ts'

describe('GET /v1/topics', () => {
  it("lists the topics by name, without Kafka's own", async () => {
    const { get } = await startTestGateway().then(http)
    const [small, large] = [await makeTopic(), await makeTopic({ partitions: 5 })]
    // A group that joins makes Kafka make __consumer_offsets.
    const consumer = witness().consumer({ groupId: uniqueName('g') })
    await consumer.connect()
    await consumer.subscribe({ topics: [small] })
    await consumer.run({ eachMessage: async () => {} })
    await consumer.disconnect()
    const answer = await get('/v1/topics')
    expect(answer.status).toBe(200)
    const { topics } = answer.json as { topics: { name: string }[] }
    const names = topics.map(({ name }) => name)
    expect(names).toEqual([...names].sort())
    expect(names).not.toContain('__consumer_offsets')
    const common = { replicationFactor: 1, underReplicated: 0, internal: false }
    expect(topics).toContainEqual({ name: small, partitions: 1, ...common })
    expect(topics).toContainEqual({ name: large, partitions: 5, ...common })
    const all = (await get('/v1/topics?internal=true')).json as typeof answer.json & { topics: object[] }
    expect(all.topics).toContainEqual(expect.objectContaining({ name: '__consumer_offsets', internal: true }))
  })

  it('filters by prefix and pattern, and pages by name while topics come and go', async () => {
    const client = await startTestGateway().then(http)
    const prefix = `${uniqueName('list')}.`
    const names = ['a-dlq', 'b', 'c-dlq', 'd', 'e-dlq'].map((end) => prefix + end)
    await Promise.all(names.map((name) => makeTopic({ name })))
    const list = async (query: string) => {
      const { status, json } = await client.get(`/v1/topics?prefix=${prefix}${query}`)
      expect(status).toBe(200)
      const { topics, next } = json as { topics: { name: string }[]; next: string | null }
      return { names: topics.map(({ name }) => name.slice(prefix.length)), next }
    }
    expect(await list('')).toEqual({ names: ['a-dlq', 'b', 'c-dlq', 'd', 'e-dlq'], next: null })
    expect((await list(`&match=*.%3F-dlq`)).names).toEqual(['a-dlq', 'c-dlq', 'e-dlq'])
    expect((await list(`&match=${prefix}*l*q`)).names).toEqual(['a-dlq', 'c-dlq', 'e-dlq'])
    expect((await list('&match=dlq')).names).toEqual([])
    expect((await list('&underReplicated=true')).names).toEqual([])
    const first = await list('&limit=2')
    expect(first.names).toEqual(['a-dlq', 'b'])
    // The page's own last topic goes, one behind it comes: neither moves what comes next.
    expect((await client.delete(`/v1/topics/${names[1]}`)).status).toBe(204)
    await makeTopic({ name: `${prefix}a` })
    const second = await list(`&limit=2&after=${first.next}`)
    expect(second.names).toEqual(['c-dlq', 'd'])
    expect(await list(`&limit=2&after=${second.next}`)).toEqual({ names: ['e-dlq'], next: null })
  })

  it.each([
    ['prefixes', 'prefixes=a'],
    ['internal', 'internal=yes'],
    ['underReplicated', 'underReplicated=1'],
    ['match', 'match=[a]'],
    ['match', 'match='],
    ['limit', 'limit=0'],
    ['limit', 'limit=10001'],
    ['prefix', `prefix=${'p'.repeat(250)}`],
    ['prefix', 'prefix=a&prefix=b'],
  ])('422s for %s in ?%s', async (parameter, query) => {
    const { get } = await startTestGateway().then(http)
    const answer = await get(`/v1/topics?${query}`)
    expect(answer.status).toBe(422)
    expect(answer.json).toMatchObject({ code: 'invalid_parameter', errors: [{ parameter }] })
  })
})

describe('GET /v1/topics/{topic}', () => {
  it('describes partitions with the offsets they start and end at', async () => {
    const { get, post } = await startTestGateway().then(http)
    const topic = await makeTopic({ partitions: 2, configs: { 'retention.ms': '-1' } })
    const records = Array.from({ length: 5 }, (_, value) => ({ value, partition: 1 }))
    await post(`/v1/topics/${topic}/records`, { records })
    await withAdmin(async (admin) => {
      await admin.fetchTopicOffsets(topic) // deleteTopicRecords() loads no metadata itself
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 1, offset: '2' }] })
    })
    const answer = await get(`/v1/topics/${topic}`)
    expect(answer.status).toBe(200)
    const [leader] = (answer.json as { partitions: { leader: number }[] }).partitions.map((p) => p.leader)
    const broker = { leader, replicas: [leader], isr: [leader] }
    expect(answer.json).toMatchObject({
      name: topic,
      internal: false,
      replicationFactor: 1,
      partitions: [
        { partition: 0, ...broker, earliestOffset: 0, latestOffset: 0 },
        { partition: 1, ...broker, earliestOffset: 2, latestOffset: 5 },
      ],
    })
    const { configs } = answer.json as { configs: { name: string }[] }
    expect(configs).toContainEqual({
      name: 'retention.ms',
      value: '-1',
      source: 'topic',
      default: false,
      readOnly: false,
      sensitive: false,
    })
    expect(configs.map(({ name }) => name)).toEqual(configs.map(({ name }) => name).sort())
  })

  it('404s with topic_not_found, and makes no topic', async () => {
    const { get } = await startTestGateway().then(http)
    const topic = uniqueName()
    const answer = await get(`/v1/topics/${topic}`)
    expect(answer.status).toBe(404)
    expect(answer.json).toMatchObject({ code: 'topic_not_found' })
    expect(await withAdmin((admin) => admin.listTopics())).not.toContain(topic)
  })

  it('403s with internal_topic for a topic of Kafka itself', async () => {
    const { get } = await startTestGateway().then(http)
    const answer = await get('/v1/topics/__consumer_offsets')
    expect(answer.status).toBe(403)
    expect(answer.json).toMatchObject({ code: 'internal_topic' })
  })

  it.each(['a%20b', 'a%2Fb', 'a%00b', 'a%0Ab', `${'n'.repeat(250)}`, '%D0%BErders', '%252e'])(
    '422s with invalid_topic_name for %s',
    async (path) => {
      const { get } = await startTestGateway().then(http)
      const answer = await get(`/v1/topics/${path}`)
      expect(answer.status).toBe(422)
      expect(answer.json).toMatchObject({ code: 'invalid_topic_name' })
    },
  )
})
