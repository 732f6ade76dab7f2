import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { EventStream } from '../../support/event-stream.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { http } from '../../support/http.ts'
import { makeAgain, makeTopic, withAdmin } from '../../support/kafka.ts'
import { numbered, produce, removeRecordsBelow, transact } from '../../support/produce.ts'
import { RawConnection } from '../../support/raw-http.ts'
import { until } from '../../support/until.ts'

const values = (stream: EventStream) => stream.records.map(({ value }) => value)
const offsets = (stream: EventStream) => stream.records.map(({ offset }) => offset)

describe('GET /v1/topics/{topic}/records as server-sent events', () => {
  it('begins with what is written from then on, and says that it has caught up', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic({ partitions: 2 })
    await produce(topic, numbered(3))
    const stream = await EventStream.open(gateway, topic)
    expect(stream.headers.get('content-type')).toBe('text/event-stream')
    expect(stream.headers.get('cache-control')).toBe('no-store')
    expect(stream.headers.get('x-accel-buffering')).toBe('no')
    expect(await stream.event('caughtUp')).toEqual({})
    await produce(topic, [...numbered(2, { from: 3 }), ...numbered(1, { partition: 1, from: 9 })])
    const records = await stream.received(3)
    expect(new Set(values(stream))).toEqual(new Set(['v3', 'v4', 'v9']))
    const [record] = records
    const shown = await http(gateway).get(
      `/v1/topics/${topic}/partitions/${record!.partition}/records/${record!.offset}`,
    )
    expect(record).toEqual(shown.json)
  })

  it('sends headers and the first line at once, though nothing is ever written', async () => {
    const gateway = await startTestGateway()
    const raw = new RawConnection(gateway)
    raw.sendHead(`GET /v1/topics/${await makeTopic()}/records HTTP/1.1`, 'Accept: text/event-stream')
    await until(() => raw.text().includes('retry: 1000\n\n'))
    expect(raw.text()).toMatch(/^HTTP\/1.1 200 /)
  })

  it('resumes exactly after the event whose id is Last-Event-ID, at another gateway', async () => {
    const [gateway, other] = [await startTestGateway(), await startTestGateway()]
    const topic = await makeTopic({ partitions: 3 })
    await produce(
      topic,
      [0, 1, 2].flatMap((partition) => numbered(20, { partition })),
    )
    const whole = await EventStream.open(gateway, topic, { from: 'earliest' })
    const all = await whole.received(60)
    const events = whole.blocks.filter(({ type, data }) => type === 'message' && data !== undefined)
    for (const n of [0, 1, 19, 20, 37, 58]) {
      const rest = await EventStream.open(other, topic, {}, { 'last-event-id': events[n]!.id! })
      await rest.event('caughtUp')
      const places = (records: typeof all) => records.map((r) => `${r.partition}:${r.offset}`)
      expect(new Set(places([...all.slice(0, n + 1), ...rest.records]))).toEqual(new Set(places(all)))
      expect(rest.records).toHaveLength(59 - n)
    }
  })

  it('has an id from the first moment, so that nothing is missed between two connections', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    await produce(topic, numbered(2))
    const before = await EventStream.open(gateway, topic)
    await until(() => before.lastId !== '')
    await before.close()
    await produce(topic, numbered(2, { from: 2 }))
    const after = await EventStream.open(gateway, topic, {}, { 'last-event-id': before.lastId })
    await after.received(2)
    expect(values(after)).toEqual(['v2', 'v3'])
  })

  it('takes Last-Event-ID before what its URL says, and cursor as another name for it', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    await produce(topic, numbered(5))
    const stream = await EventStream.open(gateway, topic, { from: 'earliest' })
    await stream.received(5)
    const ids = stream.blocks.flatMap(({ type, id, data }) => (type === 'message' && data ? [id!] : []))
    const resume = async (query: Record<string, string>, headers: Record<string, string> = {}) => {
      const resumed = await EventStream.open(gateway, topic, query, headers)
      await resumed.event('caughtUp')
      return offsets(resumed)
    }
    expect(await resume({ cursor: ids[1]! })).toEqual([2, 3, 4])
    expect(await resume({ cursor: ids[1]! }, { 'last-event-id': ids[3]! })).toEqual([4])
    expect(await resume({ from: 'earliest' }, { 'last-event-id': ids[2]! })).toEqual([3, 4])
    expect(await resume({ from: 'earliest' }, { 'last-event-id': '' })).toEqual([0, 1, 2, 3, 4])
  })

  it('refuses an id that is none', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    for (const id of ['x', 'AAAA', 'A'.repeat(12_400)]) {
      const answer = await http(gateway).get(`/v1/topics/${topic}/records`, {
        headers: { accept: 'text/event-stream', 'last-event-id': id },
      })
      expect(answer.status).toBe(400)
      expect(answer.json).toMatchObject({ code: 'invalid_cursor' })
    }
  })

  it('shows every kind of record as other transports do, each in its own lines', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    await produce(topic, [
      { key: 'k', value: null },
      { value: '' },
      { value: 'two\nlines\r\nand\rmore' },
      { key: '{\n"a":\r1}', value: '{\r\n  "nested": [\n1,\r2]\n}' },
      { value: Buffer.from([0xc3, 0x28, 0x0a, 0x0a]) },
      { value: 'data: x\n\nevent: end\n\n' },
      { value: 'ß ', headers: { a: ['1', '2'], 'b\n': Buffer.from([0xfe, 0x0a]) } },
    ])
    for (const format of ['auto', 'json', 'text', 'base64', 'cloudevents']) {
      const stream = await EventStream.open(gateway, topic, { from: 'earliest', format })
      await stream.event('caughtUp')
      const page = await http(gateway).get(`/v1/topics/${topic}/records?format=${format}`)
      expect(stream.records).toEqual((page.json as { records: unknown[] }).records)
      expect(offsets(stream)).toEqual([0, 1, 2, 3, 4, 5, 6])
      expect(stream.all('problem')).toEqual([])
    }
  })

  it('brings a record that is larger than every buffer on its way, and the next', async () => {
    const gateway = await startTestGateway({ SLUICE_WS_BUFFER_BYTES: '65536' })
    const topic = await makeTopic({ configs: { 'max.message.bytes': '10000000' } })
    await produce(topic, [{ value: 'x'.repeat(8_000_000) }, { value: 'after' }])
    const stream = await EventStream.open(gateway, topic, { from: 'earliest' })
    await stream.event('caughtUp')
    expect(values(stream).map((value) => (value as string).length)).toEqual([8_000_000, 5])
  })

  it('goes on past a record that is no JSON, which it marks', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    await produce(topic, [{ value: Buffer.from([0xff, 0x7b]) }, { value: '{"half":' }, { value: '{"a":1}' }])
    const stream = await EventStream.open(gateway, topic, { from: 'earliest', format: 'json' })
    await stream.received(3)
    expect(stream.records).toMatchObject([
      { value: '/3s=', valueEncoding: 'base64' },
      { value: Buffer.from('{"half":').toString('base64'), valueEncoding: 'base64' },
      { value: { a: 1 } },
    ])
    expect(stream.records[2]).not.toHaveProperty('valueEncoding')
  })

  it('refuses to begin at a position that is gone, and says what there is', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    await produce(topic, numbered(10))
    const stream = await EventStream.open(gateway, topic, { from: '2', limit: '1' })
    await stream.received(1)
    await removeRecordsBelow(topic, 6)
    const open = async (headers: Record<string, string>, query = '') => {
      const path = `/v1/topics/${topic}/records${query}`
      const answer = await http(gateway).get(path, { headers: { accept: 'text/event-stream', ...headers } })
      return { status: answer.status, ...(answer.json as object) }
    }
    const lost = { status: 409, code: 'position_lost', bounds: { 0: { earliest: 6, latest: 10 } } }
    expect(await open({ 'last-event-id': stream.lastId })).toMatchObject(lost)
    expect(await open({}, '?from=2')).toMatchObject(lost)
    expect(await open({}, '?from=11')).toMatchObject(lost)
    await makeAgain(topic)
    expect(await open({ 'last-event-id': stream.lastId })).toMatchObject({
      status: 409,
      code: 'position_lost',
      bounds: { 0: { earliest: 0, latest: 0 } },
    })
  })

  it('says what was lost under it, and goes on at the earliest there is', async () => {
    const gateway = await startTestGateway({ SLUICE_WS_BUFFER_BYTES: '65536' })
    const topic = await makeTopic()
    for (let from = 0; from < 2_000; from += 80) await produce(topic, numbered(80, { from, size: 10_000 }))
    // Takes its beginning, and then nothing while what is behind it is removed.
    const raw = new RawConnection(gateway)
    const begun = once(raw.socket, 'data').then(() => raw.socket.pause())
    raw.sendHead(`GET /v1/topics/${topic}/records?from=earliest HTTP/1.1`, 'Accept: text/event-stream')
    await begun
    await removeRecordsBelow(topic, 1_900)
    raw.socket.resume()
    await until(() => raw.text().includes('event: problem'), 20_000)
    const [, text] = /event: problem\ndata: (.*)\n/.exec(raw.text())!
    expect(JSON.parse(text!)).toMatchObject({
      code: 'position_lost',
      retryable: false,
      topic,
      partition: 0,
      bounds: { earliest: 1_900 },
    })
    await until(() => raw.text().includes('event: caughtUp'), 20_000)
    expect(raw.text().split('event: problem')[1]).toContain('"offset":1900,')
  })

  it('ends with the problem where its topic is deleted', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    const stream = await EventStream.open(gateway, topic)
    await stream.event('caughtUp')
    await withAdmin((admin) => admin.deleteTopics({ topics: [topic] }))
    expect(await stream.event('problem')).toMatchObject({ code: 'topic_not_found', topic })
    expect(await stream.ended).toBe('ended')
  })

  it('says how far it has come where no record was to be shown', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    const only = await EventStream.open(gateway, topic, { key: 'wanted' })
    const committed = await EventStream.open(gateway, topic, { isolation: 'read_committed' })
    await Promise.all([only.event('caughtUp'), committed.event('caughtUp')])
    const before = [only.lastId, committed.lastId]
    await transact(topic, [[['a', 'b'], 'abort']])
    await until(() => only.lastId !== before[0] && committed.lastId !== before[1])
    expect([...only.records, ...committed.records]).toEqual([])
    await Promise.all([only.close(), committed.close()])
    await produce(topic, [{ key: 'wanted', value: 'c' }])
    const resumed = await EventStream.open(gateway, topic, {}, { 'last-event-id': only.lastId })
    await resumed.received(1)
    expect(values(resumed)).toEqual(['c'])
  })

  it('keeps a quiet stream open with comments', async () => {
    const gateway = await startTestGateway({ SLUICE_SSE_HEARTBEAT_MS: '100' })
    const stream = await EventStream.open(gateway, await makeTopic())
    await until(() => stream.comments >= 3)
    expect(stream.records).toEqual([])
  })

  it('outlives every limit on how long a request may take', async () => {
    const timeouts = { headersMs: 200, requestMs: 300, keepAliveMs: 200, checkMs: 50 }
    const gateway = await startTestGateway({ SLUICE_SSE_HEARTBEAT_MS: '100' }, { timeouts })
    const topic = await makeTopic()
    const stream = await EventStream.open(gateway, topic)
    const unfinished = new RawConnection(gateway)
    unfinished.sendHead(
      `GET /v1/topics/${topic}/records HTTP/1.1`,
      'Accept: text/event-stream',
      'Content-Length: 9',
    )
    await until(() => stream.comments >= 15)
    await produce(topic, numbered(1))
    await stream.received(1)
    await until(() => unfinished.text().includes('"v0"'))
  })

  it('is shown to web pages of origins that may, and to no others', async () => {
    const gateway = await startTestGateway({ SLUICE_ALLOWED_ORIGINS: 'https://app.example' })
    const topic = await makeTopic()
    for (const accept of ['text/event-stream', 'application/x-ndjson', 'application/json']) {
      const allowed = async (origin: string | undefined, path = topic) => {
        const gone = new AbortController()
        const { headers } = await http(gateway).stream(`/v1/topics/${path}/records`, {
          headers: { accept, ...(origin === undefined ? {} : { origin }) },
          signal: gone.signal,
        })
        gone.abort()
        const names = ['access-control-allow-origin', 'vary', 'access-control-expose-headers']
        return names.map((name) => headers.get(name))
      }
      const shown = (origin: string) => [
        origin,
        'origin',
        'X-Request-Id, Retry-After, RateLimit, RateLimit-Policy',
      ]
      expect(await allowed('https://app.example')).toEqual(shown('https://app.example'))
      expect(await allowed('https://app.example', 'no-such-topic')).toEqual(shown('https://app.example'))
      expect(await allowed('http://localhost:3000')).toEqual(shown('http://localhost:3000'))
      for (const origin of ['https://evil.example', 'null', undefined]) {
        expect(await allowed(origin)).toEqual([null, 'origin', null])
      }
    }
  })
})
