import { PassThrough } from 'node:stream'
import { pino } from 'pino'
import { describe, expect, it, vi } from 'vitest'
import { logOptions } from '../../../src/log.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { http } from '../../support/http.ts'
import { makeTopic } from '../../support/kafka.ts'
import { connect } from '../../support/ws.ts'

/** Each as somebody would send or set it; none may be in any line of the log. */
const secrets = {
  bearer: 'bearer-5f1e8c',
  basic: Buffer.from('user:basic-77aa01').toString('base64'),
  cookie: 'cookie-90be44',
  query: 'query-31cc02',
  tokens: 'signing-secret-0123456789-0123456789',
  password: 'kafka-password-b0b1',
}

/** A logger as the process has it, and what it wrote. */
function logger(level: 'trace' | 'info') {
  const lines = new PassThrough()
  let text = ''
  lines.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')))
  return { log: pino(logOptions({ logLevel: level }), lines), text: () => text }
}

describe('the log', () => {
  it('shows no secret at any level: not of headers, URLs, settings, tokens, keys or values', async () => {
    const { log, text } = logger('trace')
    const gateway = await startTestGateway(
      { SLUICE_SECRET: secrets.tokens, SLUICE_ACCESS_LOG: 'true' },
      { log },
    )
    const topic = await makeTopic()
    const client = http(gateway)
    const headers = {
      authorization: `Bearer ${secrets.bearer}`,
      'proxy-authorization': `Basic ${secrets.basic}`,
      cookie: `session=${secrets.cookie}`,
    }
    const opened = await client.post(`/v1/topics/${topic}/producers`, undefined, { headers })
    const { producer } = opened.json as { producer: string }
    const record = { key: 'record-key-81d3', value: 'record-value-81d3' }
    await client.put(`/v1/topics/${topic}/producers/${producer}/records/0`, record, { headers })
    await client.put(`/v1/topics/${topic}/producers/${producer}/records/9`, record, { headers })
    await client.get(`/v1/topics/${topic}/producers/${producer}/nothing?token=${secrets.query}`, { headers })
    await client.post(`/v1/topics/${topic}/records?access_token=${secrets.query}`, record, { headers })
    const read = await client.get(`/v1/topics/${topic}/records?from=earliest`, { headers })
    const { cursor } = read.json as { cursor: string }
    const socket = connect(
      gateway,
      { topics: topic, group: topic, grace: '1000', from: 'earliest' },
      { headers },
    )
    const { token } = await socket.frame('resumable')
    await socket.received(1)
    await socket.close()
    const reader = connect(gateway, { ticket: secrets.query, topics: topic }, { headers })
    await reader.frame('assigned')
    await reader.close()
    await connect(gateway, { resume: `${token}x` }, { headers }).closed
    await vi.waitFor(() => expect(text()).toContain('"operation":"connectStream"'))
    expect(text().split('\n').length).toBeGreaterThan(10)
    for (const secret of [...Object.values(secrets), producer, token, cursor, ...Object.values(record)]) {
      expect(text()).not.toContain(secret)
    }
  })

  it('shows no credentials of an error or an object that holds them, however deep', () => {
    const { log, text } = logger('trace')
    const cause = Object.assign(new Error(`refused for https://user:${secrets.password}@kafka:9093/x`), {
      headers: { Authorization: `Bearer ${secrets.bearer}`, cookie: secrets.cookie },
      config: { sasl: { username: 'u', password: secrets.password }, apiKey: secrets.query },
    })
    for (const level of ['fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const) {
      log[level]({ error: new Error('outer', { cause }), note: `Basic ${secrets.basic}` }, 'text')
    }
    const loop: Record<string, unknown> = { token: secrets.query }
    loop.self = loop
    log.info({ loop })
    for (const secret of Object.values(secrets)) expect(text()).not.toContain(secret)
    expect(text()).toContain('refused for')
    expect(text().trimEnd().split('\n')).toHaveLength(7)
  })

  it('has a line for each request at debug, at info where asked for, and otherwise none', async () => {
    for (const [level, access, lines] of [
      ['info', 'false', 0],
      ['info', 'true', 2],
      ['trace', 'false', 2],
    ] as const) {
      const { log, text } = logger(level)
      const gateway = await startTestGateway({ SLUICE_ACCESS_LOG: access }, { log })
      const client = http(gateway)
      await client.get('/healthz', { headers: { 'x-request-id': 'mine' } })
      await client.get('/no/such/path?secret=1')
      await gateway.stop()
      const entries = text()
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>)
      const requests = entries.filter(({ msg }) => msg === 'request')
      expect(requests).toHaveLength(lines)
      if (lines === 0) continue
      expect(requests[0]).toMatchObject({
        requestId: 'mine',
        ip: '127.0.0.1',
        operation: expect.any(String) as string,
        method: 'GET',
        path: '/healthz',
        status: 200,
        bytes: expect.any(Number) as number,
        durationMs: expect.any(Number) as number,
      })
      expect(requests[1]).toMatchObject({ operation: 'none', path: '/no/such/path', status: 404 })
    }
  })
})
