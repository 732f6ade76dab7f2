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
    expect(topics).toContainEqual({ name: small, partitions: 1, replicationFactor: 1 })
    expect(topics).toContainEqual({ name: large, partitions: 5, replicationFactor: 1 })
  })

  it('422s for a parameter it does not have', async () => {
    const { get } = await startTestGateway().then(http)
    const answer = await get('/v1/topics?internal=true')
    expect(answer.status).toBe(422)
    expect(answer.json).toMatchObject({ code: 'invalid_parameter', errors: [{ parameter: 'internal' }] })
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
