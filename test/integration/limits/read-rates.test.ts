import { describe, expect, it } from 'vitest'
import { authFiles } from '../../support/auth.ts'
import { scrape } from '../../support/exposition.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { http, type HttpClient } from '../../support/http.ts'
import { makeTopic, uniqueName } from '../../support/kafka.ts'
import { until } from '../../support/until.ts'
import { WsClient } from '../../support/ws.ts'

const RATE = 200_000
const rules = `
rules:
  - { to: ['*'], allow: [all], topics: ['*'], groups: ['*'], cluster: true }
limits:
  - { to: ['key:slow'], readBytesPerSecond: ${RATE} }
`

async function setUp() {
  const { env, headers } = authFiles(rules, ['slow', 'other'])
  const gateway = await startTestGateway({ ...env, SLUICE_METRICS_PORT: '0', SLUICE_RATE_BURST_SECONDS: '1' })
  return { gateway, client: http(gateway), slow: headers.slow!, other: headers.other! }
}

/** A topic with this many records of 10,000 bytes. */
async function filled(client: HttpClient, headers: Record<string, string>, count: number): Promise<string> {
  const topic = await makeTopic()
  const records = Array.from({ length: count }, (_, n) => ({ value: `${n} `.padEnd(10_000, 'x') }))
  expect((await client.post(`/v1/topics/${topic}/records`, { records }, { headers })).status).toBe(200)
  return topic
}

describe('bytes read a second', () => {
  it('refuse a read with 429 once they are used up, and nothing else; a record is counted as a list of them is', async () => {
    const { client, slow, other } = await setUp()
    const topic = await filled(client, other, 45)
    const read = (headers: Record<string, string>) =>
      client.get(`/v1/topics/${topic}/records?from=earliest`, { headers })
    const first = await read(slow)
    expect((first.json as { records: unknown[] }).records).toHaveLength(45)
    expect(first.headers.get('ratelimit-policy')).toBe(`"read-bytes";q=${RATE};w=1;qu="content-bytes"`)
    expect(first.headers.get('ratelimit')).toMatch(/^"read-bytes";r=0;t=[23]$/)
    const one = `/v1/topics/${topic}/partitions/0/records/7`
    for (const refused of [await read(slow), await client.get(one, { headers: slow })]) {
      expect(refused.status).toBe(429)
      expect(refused.headers.get('retry-after')).toMatch(/^[12]$/)
      expect(refused.json).toMatchObject({
        code: 'rate_limited',
        detail: `key:slow may read ${RATE} bytes of records a second.`,
        'violated-policies': ['read-bytes'],
      })
    }
    const { caller } = (await client.get('/v1/limits', { headers: slow })).json as {
      caller: { readBytes: unknown }
    }
    expect(caller.readBytes).toEqual({ perSecond: RATE, burst: RATE, remaining: 0 })
    const written = await client.post(`/v1/topics/${topic}/records`, { value: 1 }, { headers: slow })
    expect(written.status).toBe(200)
    expect((await read(other)).status).toBe(200)
    let single = await client.get(one, { headers: slow })
    await until(async () => (single = await client.get(one, { headers: slow })).status === 200)
    expect(single.headers.get('ratelimit')).toMatch(/^"read-bytes";r=\d+;t=[12]$/)
  })

  it.each(['application/x-ndjson', 'text/event-stream'])(
    'slow a stream of %s down, and leave nothing out',
    async (accept) => {
      const { gateway, client, slow, other } = await setUp()
      const topic = await filled(client, other, 100)
      const path = `/v1/topics/${topic}/records?from=earliest&until=latest`
      // In debt by a first one already: the next begins with waiting, or many short ones would not be held to anything.
      await client.get(path, { headers: { ...slow, accept } })
      const began = performance.now()
      const { text } = await client.get(path, { headers: { ...slow, accept } })
      expect(performance.now() - began).toBeGreaterThan(3_000)
      expect(text.match(/x{9000}/g)).toHaveLength(100)
      expect((await scrape(gateway)).value('sluice_held_total')).toBeGreaterThan(0)
    },
    60_000,
  )

  it.each(['without a group', 'with a group'])(
    'slow a WebSocket %s down, leave nothing out, and let it end at once',
    async (kind) => {
      const { gateway, client, slow, other } = await setUp()
      const topic = await filled(client, other, 100)
      const group = kind === 'with a group' ? `&group=${uniqueName('g')}` : ''
      const url = `${gateway.url.replace('http', 'ws')}/v1/ws?topics=${topic}&from=earliest${group}`
      const open = async (headers: Record<string, string>) => {
        const socket = new WsClient(url, { headers })
        await socket.opened()
        return socket
      }
      const count = (socket: WsClient) =>
        socket.frames.reduce((sum, frame) => sum + (frame.type === 'records' ? frame.records.length : 0), 0)
      const began = performance.now()
      const socket = await open(slow)
      await until(() => count(socket) === 100, 30_000)
      const more = client.post(
        `/v1/topics/${topic}/records`,
        { records: Array.from({ length: 30 }, () => ({ value: 'y'.repeat(10_000) })) },
        { headers: other },
      )
      await until(() => count(socket) === 130, 30_000)
      expect((await more).status).toBe(200)
      expect(performance.now() - began).toBeGreaterThan(3_000)
      const ending = performance.now()
      await socket.close()
      expect(performance.now() - ending).toBeLessThan(2_000)
    },
    60_000,
  )
})
