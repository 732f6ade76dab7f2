import { describe, expect, it, onTestFinished } from 'vitest'
import { startTemporaryBroker } from '../../../dev/kafka/temporary-broker.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { http } from '../../support/http.ts'
import { makeTopic, uniqueName, withAdmin } from '../../support/kafka.ts'

describe('DELETE /v1/topics/{topic}', () => {
  it('204s, and the very next describe and produce find no such topic', async () => {
    const client = http(await startTestGateway())
    const topic = await makeTopic({ partitions: 3 })
    await client.post(`/v1/topics/${topic}/records`, { value: 1 })
    const answer = await client.delete(`/v1/topics/${topic}`)
    expect(answer.status).toBe(204)
    const produced = await client.post(`/v1/topics/${topic}/records`, { value: 2 })
    expect(produced.json).toMatchObject({ code: 'topic_not_found', outcome: 'not_written' })
    expect((await client.get(`/v1/topics/${topic}`)).status).toBe(404)
    expect(await withAdmin((admin) => admin.listTopics())).not.toContain(topic)
  })

  it('leaves the name free: the topic made next is another, and empty', async () => {
    const client = http(await startTestGateway())
    const name = await makeTopic()
    const ids = new Set<unknown>()
    for (let i = 0; i < 5; i++) {
      expect((await client.delete(`/v1/topics/${name}`)).status).toBe(204)
      const made = await client.post('/v1/topics', { name })
      expect(made.status).toBe(201)
      ids.add((made.json as { id: string }).id)
      const produced = await client.post(`/v1/topics/${name}/records`, { value: i })
      expect(produced.json).toMatchObject({ offset: 0 })
    }
    expect(ids.size).toBe(5)
  })

  it('404s with topic_not_found for one that is not there', async () => {
    const client = http(await startTestGateway())
    const answer = await client.delete(`/v1/topics/${uniqueName()}`)
    expect(answer.status).toBe(404)
    expect(answer.json).toMatchObject({ code: 'topic_not_found' })
  })

  it('204s once, however many ask at the same time', async () => {
    const client = http(await startTestGateway())
    const topic = await makeTopic()
    const answers = await Promise.all(Array.from({ length: 6 }, () => client.delete(`/v1/topics/${topic}`)))
    expect(answers.map(({ status }) => status).sort()).toEqual([204, ...Array<number>(5).fill(404)])
  })

  it('403s with internal_topic for a topic of Kafka itself', async () => {
    const client = http(await startTestGateway())
    const answer = await client.delete('/v1/topics/__transaction_state')
    expect(answer.status).toBe(403)
    expect(answer.json).toMatchObject({ code: 'internal_topic' })
  })

  it('403s with topic_deletion_disabled where the brokers do not allow it', async () => {
    const kafka = await startTemporaryBroker({ configs: { 'delete.topic.enable': 'false' } })
    onTestFinished(() => kafka.stop())
    const client = http(await startTestGateway({ KAFKA_BROKERS: kafka.bootstrap }))
    await client.post('/v1/topics', { name: 'kept' })
    const answer = await client.delete('/v1/topics/kept')
    expect(answer.status).toBe(403)
    expect(answer.json).toMatchObject({ code: 'topic_deletion_disabled' })
    expect((await client.get('/v1/topics/kept')).status).toBe(200)
  })
})
