import { describe, expect, it } from 'vitest'
import { EventStream } from '../../support/event-stream.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { http, type HttpClient } from '../../support/http.ts'
import { uniqueName, withAdmin } from '../../support/kafka.ts'
import { createTopic } from '../../support/topics.ts'

interface Truncation {
  partitions: { partition: number; newEarliestOffset: number; records: number }[]
  dryRun: boolean
}

/** A topic with ten records in each of its partitions, each a second later than the one before. */
async function filledTopic(client: HttpClient, partitions: number, members = {}): Promise<string> {
  const topic = await createTopic(client, { partitions, ...members })
  const records = Array.from({ length: 10 * partitions }, (_, n) => {
    const place = Math.floor(n / partitions)
    return { partition: n % partitions, key: `k${n}`, value: place, timestamp: startedAt + 1_000 * place }
  })
  const answer = await client.post(`/v1/topics/${topic}/records`, { records })
  if (answer.status !== 200) throw new Error(answer.text)
  return topic
}
const startedAt = Date.parse('2026-01-01T00:00:00Z')

/** The earliest offset of each partition, as the witness sees it. */
async function earliestInKafka(topic: string): Promise<number[]> {
  const offsets = await withAdmin((admin) => admin.fetchTopicOffsets(topic))
  return offsets.sort((a, b) => a.partition - b.partition).map(({ low }) => Number(low))
}

async function started(): Promise<HttpClient> {
  return http(await startTestGateway())
}

describe('DELETE /v1/topics/{topic}/records', () => {
  it('deletes the records before an offset, and nothing when it is repeated', async () => {
    const client = await started()
    const topic = await filledTopic(client, 2)
    const path = `/v1/topics/${topic}/records?before=4`
    const dry = await client.delete(`${path}&dryRun=true`)
    expect(await earliestInKafka(topic)).toEqual([0, 0])
    const real = await client.delete(path)
    expect(real.status).toBe(200)
    const partition = { earliestOffset: 0, newEarliestOffset: 4, latestOffset: 10, records: 4 }
    const partitions = [0, 1].map((number) => ({ partition: number, ...partition }))
    expect(real.json).toEqual({ partitions, dryRun: false })
    expect(dry.json).toEqual({ partitions, dryRun: true })
    expect(await earliestInKafka(topic)).toEqual([4, 4])
    for (const before of [4, 2]) {
      const again = await client.delete(`/v1/topics/${topic}/records?before=${before}`)
      const unchanged = { earliestOffset: 4, newEarliestOffset: 4, records: 0 }
      expect((again.json as Truncation).partitions).toMatchObject([unchanged, unchanged])
    }
    const described = await client.get(`/v1/topics/${topic}`)
    expect(described.json).toMatchObject({ partitions: [{ earliestOffset: 4, latestOffset: 10 }, {}] })
  })

  it('deletes the records before a time, or all there are, of one partition or of each', async () => {
    const client = await started()
    const topic = await filledTopic(client, 2)
    const truncate = async (query: string) => {
      const { status, json } = await client.delete(`/v1/topics/${topic}/records?${query}`)
      expect(status).toBe(200)
      return (json as Truncation).partitions.map((p) => [p.partition, p.newEarliestOffset, p.records])
    }
    expect(await truncate(`before=${new Date(startedAt + 2_500).toISOString()}&partition=1`)).toEqual([
      [1, 3, 3],
    ])
    expect(await truncate(`before=@${startedAt + 5_000}`)).toEqual([
      [0, 5, 5],
      [1, 5, 2],
    ])
    expect(await truncate('before=0753-03-10T14:08:03Z&partition=0')).toEqual([[0, 5, 0]])
    expect(await truncate('before=latest&partition=0')).toEqual([[0, 10, 5]])
    expect(await earliestInKafka(topic)).toEqual([10, 5])
    // All are earlier.
    expect(await truncate(`before=@${startedAt + 60_000}`)).toEqual([
      [0, 10, 0],
      [1, 10, 5],
    ])
  })

  it('refuses an offset past the end of any partition before it deletes anything', async () => {
    const client = await started()
    const topic = await filledTopic(client, 2)
    await client.post(`/v1/topics/${topic}/records`, { partition: 1, value: 'one more' })
    for (const query of ['before=11', 'before=11&dryRun=true']) {
      const answer = await client.delete(`/v1/topics/${topic}/records?${query}`)
      expect(answer.status).toBe(422)
      expect(answer.json).toMatchObject({
        code: 'offset_out_of_range',
        bounds: { 0: { earliest: 0, latest: 10 }, 1: { earliest: 0, latest: 11 } },
      })
    }
    expect(await earliestInKafka(topic)).toEqual([0, 0])
    expect((await client.delete(`/v1/topics/${topic}/records?before=11&partition=1`)).status).toBe(200)
    expect(await earliestInKafka(topic)).toEqual([0, 11])
  })

  it('leaves readers a way on: streams go on, an old cursor is told the bounds', async () => {
    const gateway = await startTestGateway()
    const client = http(gateway)
    const topic = await filledTopic(client, 1)
    const path = `/v1/topics/${topic}/records`
    const first = await client.get(`${path}?from=earliest&limit=2`)
    const stream = await EventStream.open(gateway, topic, { from: 'latest' })
    await stream.event('caughtUp')
    await client.delete(`${path}?before=6`)
    const { cursor } = first.json as { cursor: string }
    const lost = await client.get(`${path}?cursor=${cursor}`)
    expect(lost.json).toMatchObject({
      status: 409,
      code: 'position_lost',
      bounds: { 0: { earliest: 6, latest: 10 } },
    })
    const rest = (await client.get(`${path}?from=earliest`)).json as { records: { offset: number }[] }
    expect(rest.records.map(({ offset }) => offset)).toEqual([6, 7, 8, 9])
    await client.delete(`${path}?before=latest`)
    await client.post(path, { value: 'next' })
    expect(await stream.received(1)).toMatchObject([{ offset: 10, value: 'next' }])
  })

  it('409s with topic_only_compacted where the topic keeps the last record of each key', async () => {
    const client = await started()
    const topic = await filledTopic(client, 1, { cleanup: 'compact' })
    for (const query of ['before=latest', 'before=latest&dryRun=true']) {
      const answer = await client.delete(`/v1/topics/${topic}/records?${query}`)
      expect(answer.status).toBe(409)
      expect(answer.json).toMatchObject({ code: 'topic_only_compacted', retryable: false })
    }
    await client.patch(`/v1/topics/${topic}`, { append: { 'cleanup.policy': ['delete'] } })
    await expect
      .poll(async () => (await client.delete(`/v1/topics/${topic}/records?before=latest`)).status)
      .toBe(200)
  })

  it('is the same for many who ask at the same time', async () => {
    const client = await started()
    const topic = await filledTopic(client, 3)
    const answers = await Promise.all(
      [3, 7, 5, 7].map((before) => client.delete(`/v1/topics/${topic}/records?before=${before}`)),
    )
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    expect(await earliestInKafka(topic)).toEqual([7, 7, 7])
  })

  it.each([
    ['', 422, 'invalid_parameter'],
    ['?before=earliest', 422, 'invalid_parameter'],
    ['?before=-3', 422, 'invalid_parameter'],
    ['?before=2026-01-01T00:00:00', 422, 'invalid_parameter'],
    ['?before=3&partition=x', 422, 'invalid_parameter'],
    ['?before=3&dryRun=yes', 422, 'invalid_parameter'],
    ['?before=3&from=4', 422, 'invalid_parameter'],
    ['?before=3&partition=2', 404, 'partition_not_found'],
    ['?before=9007199254740991', 422, 'offset_out_of_range'],
  ])('refuses %s with %s %s', async (query, status, code) => {
    const client = await started()
    const topic = await createTopic(client, { partitions: 2 })
    const answer = await client.delete(`/v1/topics/${topic}/records${query}`)
    expect(answer.json).toMatchObject({ status, code })
  })

  it('404s for a topic that is not there, and 403s for one of Kafka itself', async () => {
    const client = await started()
    const missing = await client.delete(`/v1/topics/${uniqueName()}/records?before=latest`)
    expect(missing.json).toMatchObject({ status: 404, code: 'topic_not_found' })
    const internal = await client.delete('/v1/topics/__consumer_offsets/records?before=latest')
    expect(internal.json).toMatchObject({ status: 403, code: 'internal_topic' })
  })
})
