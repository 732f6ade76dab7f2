import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { startTestGateway } from '../../support/gateway.ts'
import { http } from '../../support/http.ts'
import { makeTopic, uniqueName } from '../../support/kafka.ts'
import { OtlpReceiver } from '../../support/otlp-receiver.ts'
import { readAll } from '../../support/read-all.ts'
import { connect } from '../../support/ws.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const CALLER = '00f067aa0ba902b7'
const traceparent = (flags: string, trace = TRACE) => `00-${trace}-${CALLER}-${flags}`

/** A gateway that exports its spans to a receiver. */
async function start(env: Record<string, string> = {}) {
  const receiver = await OtlpReceiver.start()
  const settings = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_BSP_SCHEDULE_DELAY: '50', ...env }
  // The exporter reads the environment itself.
  for (const [name, value] of Object.entries(settings)) vi.stubEnv(name, value)
  onTestFinished(() => void vi.unstubAllEnvs())
  return { receiver, gateway: await startTestGateway(settings) }
}

describe('a trace', () => {
  it('goes from a POST through Kafka to the WebSocket frame and the event, and the record shows it', async () => {
    const { receiver, gateway } = await start({
      OTEL_SERVICE_NAME: 'edge',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
      OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=one',
    })
    const topic = await makeTopic()
    const group = uniqueName('g')
    const socket = connect(gateway, { topics: topic, group, from: 'earliest' })
    await socket.frame('assigned')
    const posted = await http(gateway).post(
      `/v1/topics/${topic}/records`,
      { records: [{ value: 1 }, { value: 2, headers: { own: 'header' } }] },
      { headers: { traceparent: traceparent('01'), tracestate: 'vendor=a1' } },
    )
    expect(posted.status).toBe(200)
    const [first, second] = await socket.received(2)
    const server = await receiver.span(({ kind, traceId }) => kind === 'server' && traceId === TRACE)
    const send = await receiver.span(({ kind }) => kind === 'producer')
    const deliver = await receiver.span(({ kind }) => kind === 'consumer')
    const handshake = await receiver.span(({ name }) => name === 'GET /v1/ws')
    expect(server).toMatchObject({
      parentSpanId: CALLER,
      name: 'POST /v1/topics/{topic}/records',
      attributes: {
        'http.route': '/v1/topics/{topic}/records',
        'http.response.status_code': 200,
        'http.request.method': 'POST',
      },
      resource: { 'service.name': 'edge', 'deployment.environment.name': 'test' },
    })
    expect(send).toMatchObject({
      traceId: TRACE,
      parentSpanId: server.spanId,
      name: `send ${topic}`,
      attributes: {
        'messaging.system': 'kafka',
        'messaging.operation.type': 'send',
        'messaging.destination.name': topic,
        'messaging.batch.message_count': 2,
      },
    })
    expect(deliver).toMatchObject({
      traceId: TRACE,
      parentSpanId: send.spanId,
      name: `deliver ${topic}`,
      links: [{ traceId: handshake.traceId, spanId: handshake.spanId }],
      attributes: {
        'messaging.operation.type': 'process',
        'messaging.destination.partition.id': '0',
        'messaging.kafka.offset': 0,
        'messaging.consumer.group.name': group,
      },
    })
    // One trace for both records of the batch, shown as any other header.
    const context = `00-${TRACE}-${send.spanId}-01`
    expect(first!.headers).toEqual({ traceparent: context, tracestate: 'vendor=a1' })
    expect(second!.headers).toEqual({ own: 'header', traceparent: context, tracestate: 'vendor=a1' })
    expect(receiver.requests[0]).toBe('POST /v1/traces application/json')
    expect(receiver.headers).toMatchObject({ 'x-tenant': 'one' })
  })

  it('is carried by whatever is produced once, and told by every way of reading', async () => {
    const { receiver, gateway } = await start()
    const topic = await makeTopic()
    const headers = { traceparent: traceparent('01') }
    const path = `/v1/topics/${topic}/records`
    const client = http(gateway)
    await client.request('POST', path, {
      body: '{"value":"stream"}\n',
      headers: { ...headers, 'content-type': 'application/x-ndjson' },
    })
    await client.request('POST', path, { body: 'raw', headers: { ...headers, 'content-type': 'text/plain' } })
    const socket = await connect(gateway, {}, { headers }).opened()
    socket.send({ type: 'produce', id: 1, topic, records: [{ value: 'socket' }] })
    await socket.frame('produced')
    const written = await readAll(topic)
    expect(written).toHaveLength(3)
    for (const record of written) {
      expect(String(record.headers?.traceparent)).toMatch(new RegExp(`^00-${TRACE}-[0-9a-f]{16}-01$`))
    }
    const isDelivered = ({ kind, links }: { kind: string; links: readonly object[] }) =>
      kind === 'consumer' && links.length === 1
    await client.get(`${path}?from=earliest`)
    await client.get(`/v1/topics/${topic}/partitions/0/records/0`)
    for (const accept of ['text/event-stream', 'application/x-ndjson']) {
      await client.get(`${path}?from=earliest&limit=3`, { headers: { accept } })
    }
    await vi.waitFor(() => expect(receiver.spans.filter(isDelivered)).toHaveLength(3 + 1 + 3 + 3))
    expect(receiver.spans.every(({ kind, traceId }) => kind !== 'consumer' || traceId === TRACE)).toBe(true)
  })

  it('leaves alone what brings a context of its own, and what must be the same when it is sent again', async () => {
    const { gateway } = await start()
    const topic = await makeTopic()
    const client = http(gateway)
    const own = traceparent('00', 'a'.repeat(32))
    await client.post(`/v1/topics/${topic}/records`, { value: 1, headers: { Traceparent: own } })
    const { json } = await client.post(`/v1/topics/${topic}/producers`)
    const { producer } = json as { producer: string }
    const put = () => client.put(`/v1/topics/${topic}/producers/${producer}/records/0`, { value: 2 })
    expect([(await put()).status, (await put()).status]).toEqual([201, 200])
    const transaction = { id: uniqueName('tx'), records: [{ topic, value: 3 }] }
    for (const duplicate of [false, true]) {
      expect((await client.post('/v1/transactions', transaction)).json).toMatchObject({ duplicate })
    }
    const headers = (await readAll(topic)).map((record) => record.headers ?? {})
    expect(headers.map((all) => Object.keys(all))).toEqual([['Traceparent'], [], []])
    expect(String(headers[0]!.Traceparent)).toBe(own)
  })

  it('that its caller does not record is carried on, and exported by nobody here; a broken one is begun anew', async () => {
    const { receiver, gateway } = await start()
    const topic = await makeTopic()
    const path = `/v1/topics/${topic}/records`
    const client = http(gateway)
    await client.post(path, { value: 1 }, { headers: { traceparent: traceparent('00') } })
    await client.post(path, { value: 2 }, { headers: { traceparent: '00-zz-1-01' } })
    await client.get(`${path}?from=earliest`)
    const send = await receiver.span(({ kind }) => kind === 'producer')
    expect(send.traceId).not.toBe(TRACE)
    await receiver.span(({ kind }) => kind === 'consumer')
    expect(receiver.spans.filter(({ traceId }) => traceId === TRACE)).toEqual([])
    const [unrecorded, anew] = (await readAll(topic)).map(({ headers }) => String(headers?.traceparent))
    expect(unrecorded).toMatch(new RegExp(`^00-${TRACE}-[0-9a-f]{16}-00$`))
    expect(anew).toBe(`00-${send.traceId}-${send.spanId}-01`)
  })

  it('is nowhere without a tracer: records come out as they went in', async () => {
    const gateway = await startTestGateway({
      OTEL_SDK_DISABLED: 'true',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://x',
    })
    const topic = await makeTopic()
    await http(gateway).post(
      `/v1/topics/${topic}/records`,
      { value: 1 },
      { headers: { traceparent: traceparent('01') } },
    )
    expect((await readAll(topic)).map(({ headers }) => headers)).toEqual([{}])
  })

  it('costs a request nothing where its collector is gone', async () => {
    const { gateway } = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' })
    const topic = await makeTopic()
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => http(gateway).post(`/v1/topics/${topic}/records`, { value: 1 })),
    )
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
  })
})
