import { request } from 'node:http'
import { describe, expect, it } from 'vitest'
import { authFiles } from '../../support/auth.ts'
import { scrape } from '../../support/exposition.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { http } from '../../support/http.ts'
import { makeTopic } from '../../support/kafka.ts'
import { produce } from '../../support/produce.ts'
import { RawConnection } from '../../support/raw-http.ts'
import { Opcode, rawConnect, rawFragments, rawFrame } from '../../support/raw-ws.ts'
import { until } from '../../support/until.ts'
import { WsClient } from '../../support/ws.ts'

const policy = `
rules: [{ to: ['*'], allow: [all], topics: ['*'], groups: ['*'] }]
limits: [{ to: ['key:a'], streams: 2 }]
`

async function setUp() {
  const topic = await makeTopic()
  await produce(topic, [{ value: 'one' }])
  const auth = authFiles(policy, ['a', 'b'])
  const gateway = await startTestGateway({ ...auth.env, SLUICE_METRICS_PORT: '0' })
  const client = http(gateway)
  const { a, b } = auth.headers
  const path = `/v1/topics/${topic}/records`
  const socket = (query = '', headers: Record<string, string> = a!) =>
    new WsClient(`${gateway.url.replace('http', 'ws')}/v1/ws?${query}`, { headers })
  /** How many streams the gateway counts for `a`. */
  const open = async () => {
    const { json } = await client.get('/v1/limits', { headers: a! })
    return (json as { caller: { streams: { open: number } } }).caller.streams.open
  }
  const events = async (query = '', headers = a!) => {
    const stop = new AbortController()
    const options = { headers: { ...headers, accept: 'text/event-stream' }, signal: stop.signal }
    const answer = await client.stream(`${path}?${query}`, options)
    return { status: answer.status, answer, stop: () => stop.abort() }
  }
  return { topic, auth, gateway, client, path, socket, open, events, a: a!, b: b! }
}

/** The status that a handshake is refused with. */
function refusal(client: WsClient): Promise<number | undefined> {
  return new Promise((resolve) =>
    client.socket.once('unexpected-response', (req, { statusCode }) => {
      resolve(statusCode)
      req.destroy()
    }),
  )
}

describe('the streams of one principal', () => {
  it('are refused past its limit, of every kind and before they begin; those of others are not', async () => {
    const { socket, events, client, path, gateway, topic, a, b } = await setUp()
    const first = await socket(`topics=${topic}`).opened()
    const second = await events()
    expect(second.status).toBe(200)
    expect(await refusal(socket(`topics=${topic}`))).toBe(429)
    const refused = await events()
    expect(refused.status).toBe(429)
    expect(await refused.answer.json()).toMatchObject({ code: 'too_many_streams_of_caller', limit: 2 })
    expect(refused.answer.headers.get('retry-after')).toBe('1')
    for (const [method, headers] of [
      ['GET', { accept: 'application/x-ndjson' }],
      ['POST', { 'content-type': 'application/x-ndjson' }],
    ] as const) {
      const body = method === 'POST' ? { body: '{"value":1}\n' } : {}
      const { status, json } = await client.request(method, path, { headers: { ...a, ...headers }, ...body })
      expect({ status, json }, method).toMatchObject({
        status: 429,
        json: { code: 'too_many_streams_of_caller' },
      })
    }
    // What does not last is served.
    expect((await client.get(`${path}?from=earliest`, { headers: a })).status).toBe(200)
    const others = await Promise.all([1, 2, 3].map(() => socket(`topics=${topic}`, b).opened()))
    expect(others).toHaveLength(3)
    const seen = await scrape(gateway)
    expect(seen.value('sluice_refusals_total', { limit: 'too_many_streams_of_caller' })).toBe(4)
    second.stop()
    await first.close()
  })

  it('give their place back however they end', async () => {
    const { socket, events, client, path, open, topic, gateway, a } = await setUp()
    const ways: Record<string, () => Promise<unknown>> = {
      'a socket that says goodbye': async () => (await socket(`topics=${topic}`).opened()).close(),
      'a socket that is cut': async () => (await socket(`topics=${topic}`).opened()).destroy(),
      'a socket whose subscription is refused': () => socket('topics=no-such-topic').closed,
      'a socket that has all it asked for': () => socket(`topics=${topic}&from=earliest&limit=1`).closed,
      'events of a client that goes': async () => (await events()).stop(),
      'events that end': async () => (await events('from=earliest&limit=1')).answer.text(),
      'events of no topic': () =>
        client.get('/v1/topics/none/records', { headers: { ...a, accept: 'text/event-stream' } }),
      'the head of events': () => client.head(path, { headers: { ...a, accept: 'text/event-stream' } }),
      'an export': () => client.get(path, { headers: { ...a, accept: 'application/x-ndjson' } }),
      'records that are streamed': () =>
        client.post(path, '{"value":1}\n', { headers: { ...a, 'content-type': 'application/x-ndjson' } }),
      'records whose client goes': async () => {
        const outgoing = request(gateway.url + path, {
          method: 'POST',
          headers: { ...a, 'content-type': 'application/x-ndjson' },
        })
        outgoing.on('error', () => {})
        outgoing.write('{"value":1}\n')
        await until(async () => (await open()) === 1)
        outgoing.destroy()
      },
    }
    for (const [way, use] of Object.entries(ways)) {
      await use()
      await until(async () => (await open()) === 0).catch(() => expect.fail(`${way} keeps its place`))
    }
  })

  it('are those of whoever a message says that a socket is of', async () => {
    const { socket, open, auth } = await setUp()
    const sockets = []
    for (let i = 0; i < 2; i++) {
      const client = await socket('auth=message', {}).opened()
      client.send({ type: 'authenticate', token: auth.keys.a! })
      await client.frame('authenticated')
      sockets.push(client)
    }
    expect(await open()).toBe(2)
    const third = await socket('auth=message', {}).opened()
    third.send({ type: 'authenticate', token: auth.keys.a! })
    expect((await third.closed).code).toBe(4529)
    for (const client of sockets) await client.close()
    await until(async () => (await open()) === 0)
  })
})

describe('the connections of one address', () => {
  it('are closed at once past their limit, and counted until they are gone', async () => {
    const gateway = await startTestGateway({
      SLUICE_MAX_CONNECTIONS_PER_ADDRESS: '2',
      SLUICE_METRICS_PORT: '0',
    })
    const ask = (connection: RawConnection) => connection.sendHead('GET /healthz HTTP/1.1').answer()
    const [first, second] = [new RawConnection(gateway), new RawConnection(gateway)]
    expect((await ask(first)).status).toBe(200)
    expect((await ask(second)).status).toBe(200)
    await new RawConnection(gateway).closed()
    expect((await ask(first)).status).toBe(200)
    second.socket.destroy()
    await until(() =>
      ask(new RawConnection(gateway)).then(
        () => true,
        () => false,
      ),
    )
    const refused = (await scrape(gateway)).value('sluice_refusals_total', {
      limit: 'connections_per_address',
    })
    expect(refused).toBeGreaterThan(0)
  })
})

describe('the lines of headers', () => {
  const lines = (count: number) => Array.from({ length: count }, (_, i) => `x${i}: 1`)

  it('are refused past 256 with 431, of requests and of handshakes', async () => {
    const gateway = await startTestGateway()
    // With Host.
    expect(
      (await new RawConnection(gateway).sendHead('GET /healthz HTTP/1.1', ...lines(255)).answer()).status,
    ).toBe(200)
    const refused = await new RawConnection(gateway).sendHead('GET /healthz HTTP/1.1', ...lines(256)).answer()
    expect(refused).toMatchObject({ status: 431, json: { code: 'headers_too_large', limit: 256 } })
    const upgrade = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13']
    const handshake = new RawConnection(gateway).sendHead('GET /v1/ws HTTP/1.1', ...upgrade, ...lines(256))
    expect((await handshake.answer()).status).toBe(431)
  })
})

describe('a message that never ends', () => {
  it('costs its client the socket, however well it answers pings; one that comes piece by piece does not', async () => {
    const env = { SLUICE_WS_MESSAGE_MS: '1000', SLUICE_WS_PING_MS: '1000' }
    const gateway = await startTestGateway(env)
    const topic = await makeTopic()
    const query = { topics: topic }
    const [forever, patient] = [await rawConnect(gateway, query), await rawConnect(gateway, query)]
    for (const client of [forever, patient]) {
      const answered = new Set<object>()
      const answer = () => {
        for (const frame of client.frames.filter(({ opcode }) => opcode === Opcode.ping)) {
          if (answered.has(frame)) continue
          answered.add(frame)
          client.send(rawFrame(Opcode.pong, frame.payload))
        }
      }
      client.socket.on('data', answer)
    }
    const [start, ...rest] = rawFragments(['{"type":', '"pause"', '}'])
    forever.send(start!)
    patient.send(start!)
    const closed = forever.closes()
    while (!forever.ended) {
      const before = patient.messages.length
      for (const piece of [...rest, start!]) patient.send(piece)
      await patient.until('paused', () => patient.messages.length > before)
    }
    expect(await closed).toBe(1008)
    expect(patient.ended).toBe(false)
  })
})
