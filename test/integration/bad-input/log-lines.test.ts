import { PassThrough } from 'node:stream'
import { pino } from 'pino'
import { expect, it } from 'vitest'
import { startTestGateway } from '../../support/gateway.ts'
import { RawConnection } from '../../support/raw-http.ts'

it('holds what a client sends inside one JSON line of the log', async () => {
  const lines = new PassThrough()
  const gateway = await startTestGateway({}, { log: pino({ level: 'trace' }, lines) })
  const evil = 'x%0d%0a%7B%22level%22:60,%22msg%22:%22forged%22%7D%1b[31m'
  for (const head of [
    [`GET /v1/topics/${evil} HTTP/1.1`],
    [`GET /${evil} HTTP/1.1`, 'User-Agent: "}{"level":60\x80'],
    ['GET /v1/topics/none HTTP/1.1', 'X-Request-Id: a"}{"level":60'],
    [`DELETE /v1/topics?${evil}=1 HTTP/1.1`],
  ] as [string, ...string[]][]) {
    const answer = await new RawConnection(gateway).sendHead(...head).answer()
    expect(answer.status).toBeGreaterThanOrEqual(400)
    expect(answer.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/)
  }
  const text = String(lines.read())
  const entries = text.trimEnd().split('\n')
  expect(entries.length).toBeGreaterThanOrEqual(5)
  for (const entry of entries) {
    expect((JSON.parse(entry) as { level: number }).level).toBeLessThan(60)
    expect(entry).not.toMatch(/[\x00-\x1f\x7f]/)
  }
})
