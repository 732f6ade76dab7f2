import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { authFiles } from '../../support/auth.ts'
import { scrape } from '../../support/exposition.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { http, type HttpAnswer } from '../../support/http.ts'
import { makeTopic } from '../../support/kafka.ts'
import { RawConnection } from '../../support/raw-http.ts'
import { readAll } from '../../support/read-all.ts'
import { temporaryDir } from '../../support/temporary-dir.ts'
import { until } from '../../support/until.ts'
import { WsClient } from '../../support/ws.ts'

const rules = `
rules:
  - { to: ['*'], allow: [all], topics: ['*'], groups: ['*'], cluster: true }
  - { to: [anonymous], allow: [describe], topics: ['*'] }
`
const limits = (text: string) => `${rules}limits:\n${text}`

async function setUp(policy: string, env: Record<string, string> = {}) {
  const auth = authFiles(policy, ['slow', 'other', 'bytes'])
  const gateway = await startTestGateway({ ...auth.env, SLUICE_METRICS_PORT: '0', ...env })
  return { auth, gateway, client: http(gateway), headers: auth.headers }
}

describe('requests a second', () => {
  it('are counted by principal: past them 429 with Retry-After and the RateLimit fields, until there are some again', async () => {
    const path = join(temporaryDir(), 'audit.ndjson')
    const { client, headers, gateway } = await setUp(
      limits(`  - { to: ['key:slow'], requestsPerSecond: 1 }`),
      { SLUICE_RATE_BURST_SECONDS: '3', SLUICE_AUDIT_LOG: path },
    )
    const ask = () => client.get('/v1/topics?limit=1', { headers: headers.slow! })
    const began = performance.now()
    const answers: HttpAnswer[] = []
    while (answers.at(-1)?.status !== 429) answers.push(await ask())
    const seconds = (performance.now() - began) / 1_000
    expect(answers.length - 1).toBeGreaterThanOrEqual(3)
    expect(answers.length - 1).toBeLessThanOrEqual(3 + seconds)
    const [first] = answers
    const refused = answers.at(-1)
    expect(first!.headers.get('ratelimit-policy')).toBe('"requests";q=3;w=3')
    expect(first!.headers.get('ratelimit')).toBe('"requests";r=2;t=1')
    expect(refused!.headers.get('ratelimit')).toMatch(/^"requests";r=0;t=3$/)
    expect(refused!.headers.get('retry-after')).toBe('1')
    expect(refused!.json).toMatchObject({
      code: 'rate_limited',
      retryable: true,
      detail: 'key:slow may send 1 requests a second.',
      'violated-policies': ['requests'],
    })
    // Another principal, and who shows nothing, is none the worse for it, and is told of no limit.
    const other = await client.get('/v1/topics?limit=1', { headers: headers.other! })
    expect(other.status).toBe(200)
    expect(other.headers.has('ratelimit-policy')).toBe(false)
    expect((await client.get('/v1/topics?limit=1')).status).toBe(200)
    await until(async () => (await ask()).status === 200)
    const seen = await scrape(gateway)
    expect(seen.value('sluice_refusals_total', { limit: 'rate_limited' })).toBeGreaterThan(0)
    await vi.waitFor(() => {
      const [line = ''] = readFileSync(path, 'utf8').split('\n')
      expect(JSON.parse(line)).toMatchObject({
        principal: 'key:slow',
        operation: 'listTopics',
        status: 429,
        outcome: 'limited',
        code: 'rate_limited',
      })
    })
  })

  it('are counted by address where nobody has shown who they are', async () => {
    const gateway = await startTestGateway({ SLUICE_RATE_REQUESTS: '1', SLUICE_RATE_BURST_SECONDS: '2' })
    const client = http(gateway)
    /** As many as use it up, however slow the machine. */
    const many = () => Promise.all(Array.from({ length: 20 }, () => client.get('/v1/limits')))
    const statuses = (await many()).map(({ status }) => status)
    expect(statuses).toContain(200)
    expect(statuses).toContain(429)
    // Probes and what is the same for everybody are not counted.
    for (const path of ['/healthz', '/readyz', '/openapi.yaml'])
      expect((await client.get(path)).status).toBe(200)
    const upgrade = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13']
    const key = `Sec-WebSocket-Key: ${'A'.repeat(22)}==`
    const shake = async () => {
      const [answer] = await Promise.all([
        new RawConnection(gateway).sendHead('GET /v1/ws HTTP/1.1', ...upgrade, key).answer(),
        many(),
      ])
      return answer
    }
    let refused = await shake()
    while (refused.status === 101) refused = await shake()
    expect(refused).toMatchObject({
      status: 429,
      headers: { 'retry-after': '1', 'ratelimit-policy': '"requests";q=2;w=2' },
      json: { code: 'rate_limited' },
    })
  })

  it('are none by default: an answer says nothing of limits', async () => {
    const client = http(await startTestGateway())
    const { headers, json } = await client.get('/v1/limits')
    expect([...headers.keys()].filter((name) => name.startsWith('ratelimit'))).toEqual([])
    expect(json).toMatchObject({
      caller: {
        principal: 'anonymous',
        countedAs: 'address',
        requests: null,
        bytes: null,
        streams: { limit: null },
      },
    })
  })

  it('follow the policy as it changes, and keep what was used of a limit that stays', async () => {
    const { client, headers, auth } = await setUp(limits(`  - { to: ['key:slow'], requestsPerSecond: 1 }`), {
      SLUICE_RATE_REQUESTS: '1000',
      SLUICE_RATE_BURST_SECONDS: '100',
    })
    const ownLimits = async (key: string) => {
      const { json } = await client.get('/v1/limits', { headers: headers[key]! })
      return (json as { caller: { requests: { perSecond: number; remaining: number } | null } }).caller
    }
    for (let i = 0; i < 30; i++) await ownLimits('slow')
    expect((await ownLimits('slow')).requests!.remaining).toBeLessThan(80)
    expect((await ownLimits('other')).requests).toMatchObject({ perSecond: 1_000, burst: 100_000 })
    auth.writePolicy(
      limits(
        `  - { to: ['key:slow'], requestsPerSecond: 1 }\n  - { to: ['*'], requestsPerSecond: 7, streams: 3 }`,
      ),
    )
    await until(async () => (await ownLimits('other')).requests?.perSecond === 7)
    const { requests, ...rest } = await ownLimits('slow')
    expect(requests).toMatchObject({ perSecond: 1, burst: 100 })
    expect(requests!.remaining).toBeLessThan(80)
    expect(rest).toMatchObject({ streams: { limit: 3, open: 0 } })
    auth.writePolicy(limits(`  - { to: ['*'], requestsPerSecond: 0 }`))
    await until(async () => (await ownLimits('other')).requests === null)
  })
})

describe('bytes a second', () => {
  it('refuse a body before it is read, and say that nothing of it is written', async () => {
    const { gateway, client, headers, auth } = await setUp(
      limits(`  - { to: ['key:bytes'], bytesPerSecond: 1000 }`),
      { SLUICE_RATE_BURST_SECONDS: '1' },
    )
    const topic = await makeTopic()
    const path = `/v1/topics/${topic}/records`
    const first = await client.post(path, { value: 'x'.repeat(120_000) }, { headers: headers.bytes! })
    expect(first.status).toBe(200)
    expect(first.headers.get('ratelimit-policy')).toBe('"bytes";q=1000;w=1;qu="content-bytes"')
    expect(first.headers.get('ratelimit')).toBe('"bytes";r=0;t=121')
    // What has no body owes nothing.
    expect((await client.get('/v1/topics?limit=1', { headers: headers.bytes! })).status).toBe(200)
    const raw = new RawConnection(gateway)
    raw.sendHead(
      `POST ${path} HTTP/1.1`,
      `authorization: Bearer ${auth.keys.bytes}`,
      'content-type: application/json',
      'content-length: 5000000',
    )
    const refused = await raw.answer()
    expect(refused.status).toBe(429)
    expect(refused.headers.connection).toBe('close')
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
    expect(refused.json).toMatchObject({ outcome: 'not_written', 'violated-policies': ['bytes'] })
    auth.writePolicy(rules)
    await until(
      async () => (await client.post(path, { value: 2 }, { headers: headers.bytes! })).status === 200,
    )
    expect(await readAll(topic)).toHaveLength(2)
  })

  it('slow a stream of records down, and refuse nothing of it', async () => {
    const { gateway, client, headers } = await setUp(
      limits(`  - { to: ['key:bytes'], bytesPerSecond: 400000 }`),
      { SLUICE_RATE_BURST_SECONDS: '1', SLUICE_STREAM_IDLE_MS: '700' },
    )
    const topic = await makeTopic()
    const body = `${JSON.stringify({ value: 'x'.repeat(1_000) })}\n`.repeat(1_000)
    const began = performance.now()
    const answer = await client.post(`/v1/topics/${topic}/records?results=none`, body, {
      headers: { ...headers.bytes!, 'content-type': 'application/x-ndjson' },
    })
    const seconds = (performance.now() - began) / 1_000
    expect(JSON.parse(answer.text)).toMatchObject({ summary: { records: 1_000, written: 1_000 } })
    // A million bytes: a second's worth may come at once, and some are read ahead.
    expect(seconds).toBeGreaterThan(0.9)
    expect((await scrape(gateway)).value('sluice_held_total')).toBeGreaterThan(0)
  })
})

describe('messages of a WebSocket', () => {
  it('are read no faster than the rate, and every one is answered', async () => {
    const { gateway, headers, client } = await setUp(
      limits(`  - { to: ['key:slow'], requestsPerSecond: 10 }`),
      { SLUICE_RATE_BURST_SECONDS: '1' },
    )
    const topic = await makeTopic()
    const socket = new WsClient(`${gateway.url.replace('http', 'ws')}/v1/ws`, { headers: headers.slow! })
    await socket.opened()
    const began = performance.now()
    for (let id = 0; id < 25; id++)
      socket.socket.send(JSON.stringify({ type: 'produce', id, topic, records: [{ value: id }] }))
    await until(() => socket.frames.filter(({ type }) => type === 'produced').length === 25)
    expect((performance.now() - began) / 1_000).toBeGreaterThan(1.2)
    expect(socket.frames.filter(({ type }) => type === 'error')).toEqual([])
    expect((await scrape(gateway)).value('sluice_held_total')).toBeGreaterThan(0)
    // The socket of another principal is not held.
    const { json } = await client.get('/v1/limits', { headers: headers.other! })
    expect(json).toMatchObject({ caller: { requests: null } })
    await socket.close()
  })
})
