import { setTimeout as pause } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { startTestGateway } from '../../support/gateway.ts'
import { http } from '../../support/http.ts'
import { makeTopic } from '../../support/kafka.ts'
import { RawConnection } from '../../support/raw-http.ts'
import { readAll } from '../../support/read-all.ts'
import { linesOf, RecordStreamClient, type StreamLine } from '../../support/record-stream.ts'
import { recordsIn } from '../../support/topics.ts'
import { until } from '../../support/until.ts'

const ndjson = { headers: { 'content-type': 'application/x-ndjson' } }
const text = (bytes: Buffer | null | undefined) => (bytes ? bytes.toString() : bytes)
const values = async (topic: string) => (await readAll(topic)).map((record) => text(record.value))
const codes = (lines: StreamLine[]) => lines.map((line) => line.error?.code ?? 'written')

/** A gateway, a topic, and how to send a whole body to it. */
async function setUp(partitions = 1, env: Record<string, string> = {}) {
  const gateway = await startTestGateway(env)
  const topic = await makeTopic({ partitions })
  const client = http(gateway)
  const path = `/v1/topics/${topic}/records`
  const post = async (body: string | Buffer, query = '') => {
    const answer = await client.post(path + query, body, ndjson)
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/x-ndjson'])
    return linesOf(answer.text)
  }
  return { gateway, topic, client, path, post }
}

/** Bytes of buffers that are held, by this process and the gateway in it, without what is only not collected yet. */
function bytesHeld(): number {
  setFlagsFromString('--expose-gc')
  ;(runInNewContext('gc') as () => void)()
  return process.memoryUsage().arrayBuffers
}

describe('a body of application/x-ndjson', () => {
  it('is a record a line, answered in order, with a summary as the last line', async () => {
    const { topic, post } = await setUp()
    const lines = await post(
      '{"key":"a","value":1.0,"headers":{"h":"x"}}\r\n\n \t\r\n{"value":null}\n\n{"value":"last"}',
    )
    expect(lines.map(({ index, offset, summary }) => ({ index, offset, summary }))).toEqual([
      { index: 0, offset: 0, summary: undefined },
      { index: 1, offset: 1, summary: undefined },
      { index: 2, offset: 2, summary: undefined },
      { summary: { records: 3, written: 3, notWritten: 0, unknown: 0 } },
    ])
    const records = await readAll(topic)
    expect(records.map(({ key, value }) => [text(key), text(value)])).toEqual([
      ['a', '1.0'],
      [null, null],
      [null, 'last'],
    ])
    expect(records[0]!.headers).toEqual({ h: Buffer.from('x') })
  })

  it('of no lines is a summary of none', async () => {
    const { post } = await setUp()
    for (const body of ['', '\n\r\n']) {
      expect(await post(body)).toEqual([{ summary: { records: 0, written: 0, notWritten: 0, unknown: 0 } }])
    }
  })

  it('has its bad lines answered where they are, and the others written', async () => {
    const { topic, post } = await setUp(1, { SLUICE_MAX_BODY_BYTES: '1024' })
    const bad: [Buffer | string, string][] = [
      ['{"value":}', 'malformed_json'],
      ['{"value":1}{"value":2}', 'malformed_json'],
      ['\0', 'malformed_json'],
      ['\ufeff{"value":"a byte order mark"}', 'malformed_json'],
      [Buffer.from([0x22, 0xff, 0x22]), 'malformed_json'],
      ['{"value":"\\ud800"}', 'malformed_json'],
      [`{"value":${'['.repeat(501)}${']'.repeat(501)}}`.slice(0, 1024), 'malformed_json'],
      ['[1]', 'invalid_request'],
      ['{"value":1,"vlaue":2}', 'invalid_request'],
      ['{"key":"no value"}', 'invalid_request'],
      ['{"records":[{"value":1}]}', 'invalid_request'],
      ['{"value":"?","valueEncoding":"base64"}', 'invalid_encoding'],
      ['{"value":1,"partition":1}', 'partition_not_found'],
      [`{"value":"${'x'.repeat(1_100)}"}`, 'line_too_long'],
      [`{"value":"${'x'.repeat(200_000)}"}`, 'line_too_long'],
    ]
    const good = (i: number) => Buffer.from(`{"value":"good ${i}"}\n`)
    const parts = bad.flatMap(([line], i) => [Buffer.from(line), Buffer.from('\n'), good(i)])
    const lines = await post(Buffer.concat(parts))
    expect(codes(lines.slice(0, -1))).toEqual(bad.flatMap(([, code]) => [code, 'written']))
    expect(lines.map(({ index }) => index)).toEqual([...bad.flatMap((_, i) => [2 * i, 2 * i + 1]), undefined])
    expect(lines.at(-1)!.summary).toEqual({ records: 30, written: 15, notWritten: 15, unknown: 0 })
    expect(await values(topic)).toEqual(bad.map((_, i) => `good ${i}`))
  })

  it('keeps the order of each partition, and says where each record is', async () => {
    const { gateway, topic } = await setUp(3)
    const stream = new RecordStreamClient(gateway, topic)
    void stream.read()
    const sent = Array.from({ length: 20_000 }, (_, i) => ({ key: `k${i % 11}`, value: `v${i}` }))
    // In pieces that end anywhere in a line.
    const body = sent.map((record) => `${JSON.stringify(record)}\n`).join('')
    for (let i = 0; i < body.length; i += 7_919) stream.outgoing.write(body.slice(i, i + 7_919))
    const lines = await stream.finish()
    expect(lines.pop()!.summary).toEqual({ records: 20_000, written: 20_000, notWritten: 0, unknown: 0 })
    const found = new Map((await readAll(topic)).map((r) => [`${r.partition}:${r.offset}`, text(r.value)]))
    expect(found.size).toBe(20_000)
    expect(lines.map(({ partition, offset }) => found.get(`${partition}:${offset}`))).toEqual(
      sent.map(({ value }) => value),
    )
    for (const partition of [0, 1, 2]) {
      const offsets = lines.filter((line) => line.partition === partition).map(({ offset }) => offset)
      expect(offsets).toEqual(offsets.map((_, i) => i))
    }
  })

  it('is answered while it is still sent', async () => {
    const { gateway, topic } = await setUp()
    const stream = new RecordStreamClient(gateway, topic)
    void stream.read()
    for (let i = 0; i < 3; i++) {
      await stream.send({ value: i })
      await until(() => stream.lines.length === i + 1)
    }
    expect((await stream.finish()).at(-1)!.summary).toMatchObject({ records: 3, written: 3 })
  })

  it.each([
    ['errors', ['malformed_json'], 1],
    ['none', [], 0],
  ])('lists with ?results=%s only what was asked for', async (results, expected, index) => {
    const { topic, post } = await setUp()
    const lines = await post('{"value":1}\n?\n{"value":2}\n', `?results=${results}`)
    expect(codes(lines.slice(0, -1))).toEqual(expected)
    for (const line of lines.slice(0, -1)) expect(line.index).toBe(index)
    expect(lines.at(-1)!.summary).toEqual({ records: 3, written: 2, notWritten: 1, unknown: 0 })
    expect(await values(topic)).toEqual(['1', '2'])
  })

  it.each(['application/jsonl', 'application/ndjson', 'Application/X-JSONLines; charset=UTF-8'])(
    'may be called %s',
    async (type) => {
      const { client, path } = await setUp()
      const answer = await client.post(path, '{"value":1}\n', { headers: { 'content-type': type } })
      expect(linesOf(answer.text).at(-1)!.summary).toMatchObject({ written: 1 })
    },
  )

  it.each([
    ['a topic there is none of', 404, 'topic_not_found', { to: '/v1/topics/no-such-topic/records' }],
    ['a name no topic has', 422, 'invalid_topic_name', { to: '/v1/topics/a%2Fb/records' }],
    ["Kafka's own topic", 403, 'internal_topic', { to: '/v1/topics/__consumer_offsets/records' }],
    ['another charset', 415, 'unsupported_media_type', { type: 'application/x-ndjson; charset=utf-16' }],
    ['compression', 415, 'unsupported_content_encoding', { headers: { 'content-encoding': 'gzip' } }],
    ['an answer it cannot give', 406, 'not_acceptable', { headers: { accept: 'application/json' } }],
    ['a parameter there is none of', 422, 'invalid_parameter', { query: '?key=a' }],
    ['results of another kind', 422, 'invalid_parameter', { query: '?results=some' }],
  ])('is refused before anything is written for %s', async (_, status, code, request) => {
    const { client, topic, path } = await setUp()
    const { type, headers, query, to } = {
      ...{ type: 'application/x-ndjson', headers: {}, query: '', to: path },
      ...request,
    }
    const answer = await client.post(to + query, '{"value":1}\n', {
      headers: { 'content-type': type, ...headers },
    })
    expect(answer.status).toBe(status)
    expect(answer.json).toMatchObject({ code, outcome: 'not_written' })
    expect(await recordsIn(topic)).toBe(0)
  })
})

describe('a stream of records', () => {
  const head = (topic: string, ...more: string[]) =>
    [
      `POST /v1/topics/${topic}/records HTTP/1.1`,
      'Content-Type: application/x-ndjson',
      'Transfer-Encoding: chunked',
      ...more,
    ] as const
  const chunk = (body: string) => `${body.length.toString(16)}\r\n${body}\r\n`

  it('leaves exactly the lines that were whole when its client vanishes', async () => {
    const { gateway, topic } = await setUp()
    const whole = Array.from({ length: 5_000 }, (_, i) => `{"value":${i}}\n`)
    for (const end of ['destroy', 'resetAndDestroy'] as const) {
      const connection = new RawConnection(gateway)
      connection.sendHead(...head(topic))
      const before = await recordsIn(topic)
      const body = chunk(`${whole.join('')}{"value":"half"}`)
      await new Promise((resolve) => connection.socket.write(body, resolve))
      if (end === 'resetAndDestroy') await until(() => connection.text().includes('"index":4999'))
      connection.socket[end]()
      await until(async () => (await recordsIn(topic)) === before + whole.length)
    }
    expect(await values(topic)).toEqual([...whole, ...whole].map((_, i) => String(i % 5_000)))
  })

  it.each([
    ['ends in the middle of a chunk', '5\r\n{"val', true],
    ['ends between chunks', '', true],
    ['lies about the size of a chunk', `3\r\n{"value":3}\n\r\n0\r\n\r\n`, false],
    ['has a chunk size that is no number', 'zz\r\n', false],
    ['has a chunk size past any number', 'fffffffffffffffff\r\n', false],
  ])('says that it ended early where its body %s', async (_, rest, closes) => {
    const { gateway, topic } = await setUp()
    const connection = new RawConnection(gateway)
    connection.sendHead(...head(topic)).send(chunk('{"value":1}\n{"value":2}\n') + rest)
    if (closes) connection.socket.end()
    await connection.closed()
    const lines = linesOf(connection.text())
    const last = lines.at(-1)!
    expect(last.error).toMatchObject({ code: 'bad_request', outcome: 'not_written' })
    expect(last.error!.detail).toContain(`Nothing after index ${last.summary!.records - 1} was written.`)
    expect(connection.text()).toMatch(/\r\n0\r\n\r\n$/)
    expect(connection.text().match(/HTTP\/1\.1/g)).toHaveLength(1)
    expect((await values(topic)).slice(0, 2)).toEqual(['1', '2'])
    expect(await recordsIn(topic)).toBe(last.summary!.written)
  })

  it('that came whole is whole, whatever comes behind it on the connection', async () => {
    const { gateway, topic } = await setUp()
    const connection = new RawConnection(gateway)
    const [line, type] = head(topic)
    connection.sendHead(line, type, 'Content-Length: 23').send('{"value":1}\n{"value":2}garbage\r\n\r\n')
    await connection.closed()
    expect(linesOf(connection.text()).at(-1)).toEqual({
      summary: { records: 2, written: 2, notWritten: 0, unknown: 0 },
    })
    expect(connection.text().match(/HTTP\/1\.1/g)).toHaveLength(1)
    expect(await values(topic)).toEqual(['1', '2'])
  })

  it('keeps its connection for the next request', async () => {
    const { gateway, topic } = await setUp()
    const connection = new RawConnection(gateway)
    const body = '{"value":1}\n'
    const request = [...head(topic).slice(0, 2), `Content-Length: ${body.length}`] as const
    connection.sendHead(request[0]!, ...request.slice(1)).send(body)
    await until(() => connection.text().endsWith('\r\n0\r\n\r\n'))
    connection.sendHead('GET /healthz HTTP/1.1')
    await until(() => connection.text().match(/HTTP\/1\.1 200/g)?.length === 2)
  })

  it('may last longer than a request may, as long as it moves', async () => {
    const timeouts = { headersMs: 300, requestMs: 600, keepAliveMs: 300, checkMs: 50 }
    const gateway = await startTestGateway({}, { timeouts })
    const topic = await makeTopic()
    const stream = new RecordStreamClient(gateway, topic)
    void stream.read()
    for (let i = 0; i < 10; i++) {
      await stream.send({ value: i })
      await pause(150)
    }
    expect((await stream.finish()).at(-1)).toEqual({
      summary: { records: 10, written: 10, notWritten: 0, unknown: 0 },
    })
  })

  it('ends with a last line that says so where nothing comes any more', async () => {
    const { gateway, topic } = await setUp(1, { SLUICE_STREAM_IDLE_MS: '400' })
    const stream = new RecordStreamClient(gateway, topic)
    await stream.send({ value: 1 })
    stream.outgoing.write('{"value":')
    await stream.read()
    expect(stream.lines.at(-1)).toMatchObject({
      error: { code: 'request_timeout', outcome: 'not_written' },
      summary: { records: 1, written: 1 },
    })
    expect(await values(topic)).toEqual(['1'])
  })

  it('ends with a last line that says what was written when the gateway stops', async () => {
    const { gateway, topic } = await setUp(1, { SLUICE_SHUTDOWN_TIMEOUT_MS: '5000' })
    const stream = new RecordStreamClient(gateway, topic)
    const reading = stream.read()
    let sent = 0
    let stopped: Promise<void> | undefined
    const began = performance.now()
    while (!stream.outgoing.destroyed && stream.lines.at(-1)?.summary === undefined) {
      stream.outgoing.write(`{"value":${sent++}}\n`)
      if (stream.lines.length > 200) stopped ??= gateway.stop()
      await pause(1)
    }
    await Promise.all([reading, stopped])
    expect(performance.now() - began).toBeLessThan(10_000)
    const last = stream.lines.at(-1)!
    const { records } = last.summary!
    expect(last).toMatchObject({
      error: { code: 'shutting_down', retryable: true, outcome: 'not_written' },
      summary: { records, written: records, notWritten: 0, unknown: 0 },
    })
    expect(last.error!.detail).toContain(`Nothing after index ${records - 1} was written.`)
    expect(stream.lines).toHaveLength(records + 1)
    expect(await values(topic)).toEqual(Array.from({ length: records }, (_, i) => String(i)))
  })

  const block = `${'{"value":"0123456789"}\n'.repeat(1_000)}`

  it('reaches its end though its client reads nothing before', async () => {
    const { gateway, topic } = await setUp(1, { SLUICE_PRODUCE_TIMEOUT_MS: '1500' })
    const stream = new RecordStreamClient(gateway, topic)
    for (let i = 0; i < 300; i++) await stream.send(block.slice(0, -1))
    const lines = await stream.finish()
    expect(lines.at(-1)!.summary).toEqual({ records: 300_000, written: 300_000, notWritten: 0, unknown: 0 })
    let next = 0
    for (const { index, omitted } of lines.slice(0, -1)) {
      if (omitted !== undefined) {
        expect(omitted).toMatchObject({ from: next, written: omitted.to + 1 - next, notWritten: 0 })
        next = omitted.to + 1
      } else if (index !== next++) expect(index).toBe(next - 1)
    }
    expect(next).toBe(300_000)
  })

  it('is read no faster than its results are', async () => {
    const { gateway, topic } = await setUp(1, { SLUICE_PRODUCE_TIMEOUT_MS: '60000' })
    const stream = new RecordStreamClient(gateway, topic)
    const { outgoing } = stream
    let sent = 0
    // Until the gateway has taken nothing for a while.
    for (;;) {
      const drained = outgoing.write(block) || new Promise((resolve) => outgoing.once('drain', resolve))
      sent++
      if ((await Promise.race([drained, pause(1_500, 'stuck')])) === 'stuck') break
    }
    expect(sent).toBeGreaterThan(10)
    const lines = await stream.finish()
    expect(lines).toHaveLength(sent * 1_000 + 1)
    expect(lines.at(-1)!.summary).toMatchObject({ written: sent * 1_000 })
  })

  it('of any size holds no more memory than its window', async () => {
    const { gateway, topic } = await setUp(3)
    const stream = new RecordStreamClient(gateway, topic, '?results=errors')
    const line = `{"value":"${'x'.repeat(10_000)}"}`
    const lines = Array<string>(10).fill(line)
    let most = 0
    for (let i = 0; i < 1_500; i++) {
      await stream.send(...lines)
      if (i % 100 === 99) most = Math.max(most, bytesHeld())
    }
    expect((await stream.finish()).at(-1)!.summary).toMatchObject({ records: 15_000, written: 15_000 })
    expect(most).toBeLessThan(100_000_000)
  })
})
