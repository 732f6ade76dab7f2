import { once } from 'node:events'
import { createServer, connect as connectTcp, type AddressInfo } from 'node:net'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { scrape } from '../../support/exposition.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { http } from '../../support/http.ts'
import { brokers, makeTopic, uniqueName } from '../../support/kafka.ts'
import { OtlpReceiver } from '../../support/otlp-receiver.ts'
import { TestProcess } from '../../support/start-process.ts'
import { connect } from '../../support/ws.ts'

const entry = join(import.meta.dirname, '../../../bin/sluice.mjs')

/** The first of two ports in a row that nobody has, below those that systems give to connections. */
async function freePorts(): Promise<number> {
  const port = 20_000 + Math.floor(Math.random() * 10_000)
  const servers = [port, port + 1].map((number) => createServer().listen(number, '127.0.0.1'))
  const listening = await Promise.allSettled(servers.map((server) => once(server, 'listening')))
  for (const server of servers) server.close()
  return listening.every(({ status }) => status === 'fulfilled') ? port : freePorts()
}

const start = (env: Record<string, string> = {}) => startTestGateway({ SLUICE_METRICS_PORT: '0', ...env })

describe('the metrics', () => {
  it('count requests by operation and records by topic and outcome, as they came in and went out', async () => {
    const gateway = await start()
    const topic = await makeTopic()
    const client = http(gateway)
    const records = [
      { key: 'ab', value: 'cde' },
      { key: null, value: 'f' },
      { partition: 9, value: 'nowhere' },
    ]
    expect((await client.post(`/v1/topics/${topic}/records`, { records })).status).toBe(207)
    await client.get(`/v1/topics/${topic}/records?from=earliest&limit=1`)
    const socket = connect(gateway, { topics: topic, from: 'earliest' })
    await socket.received(2)
    await client.get(`/v1/topics/${topic}-none/records`)
    await client.post(`/v1/topics/${topic}-none/records`, { value: 1 })
    const found = await vi.waitFor(async () => {
      const seen = await scrape(gateway)
      expect(seen.value('sluice_records_delivered_total', { topic })).toBe(3)
      return seen
    })
    const outcome = (outcome: string) => found.value('sluice_records_produced_total', { topic, outcome })
    expect([outcome('written'), outcome('not_written'), outcome('unknown')]).toEqual([2, 1, 0])
    expect(found.value('sluice_produced_bytes_total', { topic })).toBe(6)
    expect(found.value('sluice_delivered_bytes_total', { topic })).toBe(11)
    const requests = (operation: string, status: string) =>
      found.value('sluice_http_requests_total', { operation, status })
    expect([requests('produceRecords', '2xx'), requests('produceRecords', '4xx')]).toEqual([1, 1])
    expect([requests('readRecords', '2xx'), requests('readRecords', '4xx')]).toEqual([1, 1])
    expect(requests('connectStream', '1xx')).toBe(1)
    expect(found.value('sluice_http_request_duration_seconds_count', { operation: 'produceRecords' })).toBe(2)
    expect(found.value('sluice_streams', { kind: 'websocket' })).toBe(1)
    expect(found.value('sluice_produce_batch_records_sum')).toBe(2)
    expect(found.value('sluice_kafka_request_duration_seconds_count', { api: 'Produce' })).toBeGreaterThan(0)
    expect(found.value('sluice_kafka_connections')).toBeGreaterThan(0)
    // A topic that doesn't exist may be called anything: its name is no label.
    expect([...found.valuesOf('topic')].sort()).toEqual([topic, 'other'].sort())
    await socket.close()
    await vi.waitFor(async () => {
      const seen = await scrape(gateway)
      expect(seen.value('sluice_streams', { kind: 'websocket' })).toBe(0)
      expect(seen.value('sluice_websockets_closed_total', { code: 'client' })).toBe(1)
    })
  })

  it('count exactly-once writes and transactions once, however often they are sent', async () => {
    const gateway = await start()
    const topic = await makeTopic()
    const client = http(gateway)
    const { json } = await client.post(`/v1/topics/${topic}/producers`)
    const { producer } = json as { producer: string }
    const path = `/v1/topics/${topic}/producers/${producer}/records`
    for (const status of [201, 200])
      expect((await client.put(`${path}/0`, { value: 'abc' })).status).toBe(status)
    expect((await client.put(`${path}/7`, { value: 'abc' })).status).toBe(409)
    const transaction = { records: [{ topic, value: 'de' }] }
    expect((await client.post('/v1/transactions', transaction)).status).toBe(200)
    const found = await scrape(gateway)
    expect(found.value('sluice_records_produced_total', { topic, outcome: 'written' })).toBe(2)
    expect(found.value('sluice_records_produced_total', { topic, outcome: 'not_written' })).toBe(1)
    expect(found.value('sluice_produced_bytes_total', { topic })).toBe(5)
  })

  it('tell no more names apart than they may, and never have a path for a label', async () => {
    const gateway = await start({ SLUICE_METRICS_TOPICS: '1' })
    const [first, second] = [await makeTopic(), await makeTopic()]
    const client = http(gateway)
    for (const topic of [first, second]) await client.post(`/v1/topics/${topic}/records`, { value: 1 })
    await Promise.all(['/no/such/path', '/v1/topicz', `/${uniqueName()}`].map((path) => client.get(path)))
    await client.request('DELETE', '/v1/topics')
    const found = await vi.waitFor(async () => {
      const seen = await scrape(gateway)
      expect(seen.value('sluice_http_requests_total', { operation: 'none', status: '4xx' })).toBe(4)
      return seen
    })
    expect([...found.valuesOf('topic')].sort()).toEqual([first, 'other'].sort())
    expect([...found.valuesOf('operation')].every((name) => /^\w+$/.test(name))).toBe(true)
  })

  it("say how far this gateway's members of a group are behind, and nothing of those that left", async () => {
    const gateway = await start()
    const topic = await makeTopic()
    const group = uniqueName('g')
    const records = Array.from({ length: 10 }, (_, value) => ({ value }))
    await http(gateway).post(`/v1/topics/${topic}/records`, { records })
    const member = connect(gateway, { topics: topic, group, from: 'earliest', window: '0' })
    await member.frame('assigned')
    member.send({ type: 'credit', records: 4 })
    await member.received(4)
    const lag = async () => (await scrape(gateway)).value('sluice_group_lag_records', { group, topic })
    await vi.waitFor(async () => expect(await lag()).toBe(6))
    member.send({ type: 'credit', records: 100 })
    await member.received(10)
    await vi.waitFor(async () => expect(await lag()).toBe(0))
    expect((await scrape(gateway)).value('sluice_group_members')).toBe(1)
    await member.close()
    await vi.waitFor(async () => {
      const seen = await scrape(gateway)
      expect(seen.value('sluice_group_members')).toBe(0)
      expect(seen.valuesOf('group')).toEqual(new Set())
    })
  })

  it('count requests in flight as none once their connection is gone, also those that waited for another', async () => {
    const gateway = await start()
    const topic = await makeTopic()
    const { port } = new URL(gateway.url)
    const socket = connectTcp(Number(port), '127.0.0.1')
    const head = `GET /v1/topics/${topic}/records?wait=20000 HTTP/1.1\r\nHost: localhost\r\n\r\n`
    socket.write(head.repeat(3))
    const inFlight = async () => (await scrape(gateway)).value('sluice_http_requests_in_flight')
    await vi.waitFor(async () => expect(await inFlight()).toBeGreaterThan(0))
    socket.destroy()
    await vi.waitFor(async () => expect(await inFlight()).toBe(0))
    const gone = (await scrape(gateway)).value('sluice_http_requests_total', {
      operation: 'readRecords',
      status: 'gone',
    })
    expect(gone).toBeGreaterThan(0)
  })

  it('are on their own port alone, which serves nothing else', async () => {
    const gateway = await start()
    expect((await http(gateway).get('/metrics')).status).toBe(404)
    const own = (path: string, method = 'GET') => fetch(gateway.metricsUrl + path, { method })
    expect((await own('/v1/topics')).status).toBe(404)
    expect((await own('/metrics', 'POST')).status).toBe(405)
    const answer = await own('/metrics?any=query')
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(new URL(gateway.metricsUrl!).hostname).toBe('127.0.0.1')
    const without = await startTestGateway()
    expect(without.metricsUrl).toBeUndefined()
  })

  it("are each worker's own, on ports that follow each other, and a worker that is started again keeps its port", async () => {
    const first = await freePorts()
    const receiver = await OtlpReceiver.start()
    const { PATH = '' } = process.env
    const gateway = new TestProcess(process.execPath, [entry, 'serve'], {
      env: {
        PATH,
        KAFKA_BROKERS: brokers(),
        SLUICE_PORT: '0',
        SLUICE_WORKERS: '2',
        SLUICE_METRICS_PORT: String(first),
        OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
        OTEL_BSP_SCHEDULE_DELAY: '50',
      },
    })
    const [, url = ''] = await gateway.printed(/"url":"([^"]+)","workers":2/)
    const workers = [first, first + 1].map((port) => ({ metricsUrl: `http://127.0.0.1:${port}` }))
    await http({ url }).get('/healthz')
    await receiver.span(({ name }) => name === 'GET /healthz')
    await vi.waitFor(async () => {
      const found = await Promise.all(workers.map((worker) => scrape(worker)))
      const served = found.map((seen) =>
        seen.value('sluice_http_requests_total', { operation: 'getHealth', status: '2xx' }),
      )
      expect(served.sort()).toEqual([0, 1])
      for (const seen of found)
        expect(seen.value('sluice_process_resident_memory_bytes')).toBeGreaterThan(1e7)
    })
    const children = execFileSync('ps', ['-o', 'pid=', '--ppid', String(gateway.pid)], { encoding: 'utf8' })
    process.kill(Number(children.trim().split(/\s+/)[0]), 'SIGKILL')
    await gateway.printed(/a worker ended and is started again/)
    await vi.waitFor(() => Promise.all(workers.map((worker) => scrape(worker))), 20_000)
    gateway.signal('SIGTERM')
    expect(await gateway.ended).toMatchObject({ code: 0, stderr: '' })
  }, 60_000)

  it('that cannot have their port keep the gateway from starting, with a sentence that says why', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    onTestFinished(() => void taken.close())
    const { port } = taken.address() as AddressInfo
    const { PATH = '' } = process.env
    const ends = ['1', '2'].map((workers) => {
      const env = { PATH, KAFKA_BROKERS: brokers(), SLUICE_PORT: '0', SLUICE_WORKERS: workers }
      return new TestProcess(process.execPath, [entry, 'serve'], {
        env: { ...env, SLUICE_METRICS_PORT: String(port) },
      }).ended
    })
    for (const { code, stderr } of await Promise.all(ends)) {
      expect({ code, stderr }).toEqual({
        code: 1,
        stderr: `sluice: port ${port} is in use: stop what listens there or set SLUICE_METRICS_PORT.\n`,
      })
    }
  })

  it('show a Kafka that cannot be reached', async () => {
    const closed = createServer().listen(0, '127.0.0.1')
    await once(closed, 'listening')
    const { port } = closed.address() as AddressInfo
    closed.close()
    const gateway = await start({ KAFKA_BROKERS: `127.0.0.1:${port}`, SLUICE_PRODUCE_TIMEOUT_MS: '500' })
    expect((await http(gateway).post('/v1/topics/any/records', { value: 1 })).status).toBe(503)
    const found = await scrape(gateway)
    expect(found.value('sluice_kafka_connect_failures_total')).toBeGreaterThan(0)
    expect(found.value('sluice_records_produced_total', { topic: 'other', outcome: 'not_written' })).toBe(1)
    expect(found.value('sluice_http_requests_total', { operation: 'produceRecords', status: '5xx' })).toBe(1)
  })
})
