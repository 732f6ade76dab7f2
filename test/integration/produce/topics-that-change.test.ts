import { describe, expect, it, vi } from 'vitest'
import { startTestGateway } from '../../support/gateway.ts'
import { http, type HttpAnswer } from '../../support/http.ts'
import { createTopic, makeTopic, withAdmin } from '../../support/kafka.ts'
import { readAll } from '../../support/read-all.ts'

const json = { headers: { 'content-type': 'application/json' } }
const remove = (topic: string) => withAdmin((admin) => admin.deleteTopics({ topics: [topic] }))

/** Posts unique values one after the other until told to stop; gives back each answer by its value. */
function traffic(post: (body: unknown) => Promise<HttpAnswer>, name: string) {
  const answers = new Map<string, HttpAnswer>()
  let stopped = false
  const done = (async () => {
    for (let i = 0; !stopped; i++) answers.set(`${name}${i}`, await post({ value: `${name}${i}` }))
  })()
  return {
    answers,
    stop: async () => {
      stopped = true
      await done
      return answers
    },
  }
}

async function topicOf(partitions: number) {
  const client = http(await startTestGateway())
  const topic = await makeTopic({ partitions })
  return { topic, post: (body: unknown) => client.post(`/v1/topics/${topic}/records`, body, json) }
}

describe('produce while the topic changes', () => {
  it('is 404 soon after the topic was deleted, for each of many clients, and hangs for none', async () => {
    const { topic, post } = await topicOf(3)
    const clients = Array.from({ length: 8 }, (_, i) => traffic(post, `${i}-`))
    await vi.waitFor(() => expect(clients.every(({ answers }) => answers.size > 20)).toBe(true), 10_000)
    await remove(topic)
    const deleted = performance.now()
    await vi.waitFor(
      () => expect(clients.every(({ answers }) => [...answers.values()].at(-1)!.status === 404)).toBe(true),
      10_000,
    )
    expect(performance.now() - deleted).toBeLessThan(4_000)
    for (const { stop } of clients) {
      for (const answer of (await stop()).values()) {
        expect([200, 404, 503, 504]).toContain(answer.status)
        if (answer.status === 404)
          expect(answer.json).toMatchObject({ code: 'topic_not_found', outcome: 'not_written' })
      }
    }
  })

  it('writes to a topic made again under the name at once, each record once', async () => {
    const { topic, post } = await topicOf(1)
    expect((await post({ value: 'old' })).status).toBe(200)
    for (let round = 0; round < 3; round++) {
      await remove(topic)
      await createTopic(topic, 1)
      const client = traffic(post, `${round}-`)
      await vi.waitFor(() => {
        expect([...client.answers.values()].filter(({ status }) => status === 200).length).toBeGreaterThan(20)
      }, 10_000)
      const answers = await client.stop()
      const values = (await readAll(topic)).map((r) => String(r.value))
      expect(new Set(values).size).toBe(values.length)
      for (const [value, { status, json }] of answers) {
        if (status === 200) expect(values[(json as { offset: number }).offset]).toBe(value)
        else if ((json as { outcome: string }).outcome === 'not_written') expect(values).not.toContain(value)
      }
    }
  })

  it('answers for every partition of a topic that was made again with fewer', async () => {
    const { topic, post } = await topicOf(4)
    for (let partition = 0; partition < 4; partition++) await post({ value: 1, partition })
    await remove(topic)
    await createTopic(topic, 2)
    const started = performance.now()
    await vi.waitFor(async () => {
      const answers = await Promise.all([0, 1, 2, 3].map((partition) => post({ value: 2, partition })))
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 404, 404])
    }, 10_000)
    expect(performance.now() - started).toBeLessThan(5_000)
  })

  it('writes to partitions added a moment ago where a record names them, and to all with keys before long', async () => {
    const { topic, post } = await topicOf(1)
    expect((await post({ value: 1 })).json).toMatchObject({ partition: 0 })
    await withAdmin((admin) => admin.createPartitions({ topicPartitions: [{ topic, count: 5 }] }))
    await vi.waitFor(async () => expect((await post({ value: 2, partition: 4 })).status).toBe(200), 5_000)
    const keys = Array.from({ length: 50 }, (_, i) => ({ key: `k${i}`, value: 3 }))
    const { results } = (await post({ records: keys })).json as { results: { partition: number }[] }
    expect(new Set(results.map((r) => r.partition)).size).toBe(5)
  })
})
