import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { scrape } from '../../support/exposition.ts'
import { http } from '../../support/http.ts'
import { makeTopic } from '../../support/kafka.ts'
import { RawConnection } from '../../support/raw-http.ts'
import { readAll } from '../../support/read-all.ts'
import { until } from '../../support/until.ts'
import { WsClient } from '../../support/ws.ts'
import { startGatewayProcess } from '../../support/ws-gateway-process.ts'

const staller = join(import.meta.dirname, '../../support/stalling-loop.mjs')

describe('a gateway whose event loop is late', () => {
  it('refuses requests before it reads them, serves probes and what is under way, and all of it again once it keeps up', async () => {
    const { process: gateway, url } = await startGatewayProcess({
      NODE_OPTIONS: `--import=${staller}`,
      SLUICE_MAX_LOOP_DELAY_MS: '50',
      SLUICE_METRICS_PORT: '0',
    })
    const [, metricsUrl = ''] = await gateway.printed(/"metricsUrl":"([^"]+)"/)
    const client = http({ url })
    const topic = await makeTopic()
    const path = `/v1/topics/${topic}/records`
    const { json } = await client.post(`/v1/topics/${topic}/producers`)
    const { producer } = json as { producer: string }
    const socket = await new WsClient(`${url.replace('http', 'ws')}/v1/ws`).opened()
    expect((await client.post(path, { value: 'before' })).status).toBe(200)
    const written = ['before']

    gateway.signal('SIGUSR2')
    await until(async () => (await client.get('/v1/limits')).status === 503)
    const head = new RawConnection({ url })
    head.sendHead(`POST ${path} HTTP/1.1`, 'content-type: application/json', 'content-length: 5000000')
    const upgrade = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13']
    const handshake = new RawConnection({ url }).sendHead('GET /v1/ws HTTP/1.1', ...upgrade)
    socket.send({ type: 'produce', id: 1, topic, records: [{ value: 'under way' }] })
    const [refused, once, noSocket, alive, ready] = await Promise.all([
      head.answer(),
      client.put(`/v1/topics/${topic}/producers/${producer}/records/0`, { value: 'x' }),
      handshake.answer(),
      client.get('/healthz'),
      client.get('/readyz'),
      socket.frame('produced'),
    ])
    expect(refused).toMatchObject({
      status: 503,
      headers: { 'retry-after': '2', connection: 'close' },
      json: { code: 'overloaded', outcome: 'not_written', retryable: true },
    })
    expect(once).toMatchObject({ status: 503, json: { code: 'overloaded', outcome: 'unknown' } })
    expect([noSocket.status, alive.status, ready.status]).toEqual([503, 200, 200])
    written.push('under way')
    const seen = await scrape({ metricsUrl })
    expect(seen.value('sluice_shed_total')).toBeGreaterThanOrEqual(4)
    expect(seen.value('sluice_refusals_total', { limit: 'overloaded' })).toBe(seen.value('sluice_shed_total'))
    expect(seen.value('sluice_event_loop_delay_seconds')).toBeGreaterThan(0.05)

    gateway.signal('SIGUSR2')
    await until(async () => (await client.get('/v1/limits')).status === 200)
    expect((await client.post(path, { value: 'after' })).status).toBe(200)
    written.push('after')
    const values = (await readAll(topic)).map(({ value }) => value?.toString())
    expect(values.sort()).toEqual(written.sort())
    await socket.close()
  }, 60_000)
})
