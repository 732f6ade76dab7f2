import { describe, expect, it } from 'vitest'
import { startTestGateway } from '../support/gateway.ts'
import { type HandshakeOptions, type HttpHead, RawClient, rawConnect } from '../support/raw-ws.ts'
import { untilRefused } from '../support/raw-http.ts'
import { connect } from '../support/ws.ts'

async function shakeHands(
  gateway: { readonly url: string },
  options: HandshakeOptions,
): Promise<HttpHead & { readonly problem: Record<string, unknown> | undefined; readonly client: RawClient }> {
  const client = new RawClient(gateway.url)
  const head = await client.handshake(options)
  return { ...head, client, problem: head.status === 101 ? undefined : client.problem }
}

/** What the table of refusals says of a request, and the HTTP answer to it. */
const refusals: [name: string, request: HandshakeOptions, status: number, code: string][] = [
  ['another path', { path: '/v1/wss' }, 404, 'no_such_route'],
  ['a trailing slash', { path: '/v1/ws/' }, 404, 'no_such_route'],
  ['the path of a route', { path: '/v1/topics' }, 404, 'no_such_route'],
  ['another method', { method: 'POST' }, 405, 'method_not_allowed'],
  [
    'subprotocols of others',
    { headers: { 'sec-websocket-protocol': 'mqtt, graphql-ws' } },
    400,
    'unsupported_subprotocol',
  ],
  [
    'a subprotocol much like ours',
    { headers: { 'sec-websocket-protocol': 'sluice.v10' } },
    400,
    'unsupported_subprotocol',
  ],
  [
    'a list of subprotocols that is none',
    { headers: { 'sec-websocket-protocol': 'sluice.v1, "' } },
    400,
    'bad_request',
  ],
  ['a foreign page', { headers: { origin: 'https://evil.example' } }, 403, 'origin_not_allowed'],
  ['a page without an origin', { headers: { origin: 'null' } }, 403, 'origin_not_allowed'],
  ['a path that looks like a host', { path: '//:99999999/' }, 404, 'no_such_route'],
  ['a target that is no URL', { path: 'http://[::1/v1/ws' }, 400, 'bad_request'],
]

describe('the WebSocket handshake', () => {
  it.each(refusals)(
    'refuses %s as plain HTTP, before there is a WebSocket',
    async (_, request, status, code) => {
      const gateway = await startTestGateway()
      const answer = await shakeHands(gateway, request)
      expect(answer).toMatchObject({ status, problem: { status, code } })
      expect(answer.headers['content-type']).toBe('application/problem+json')
      expect(answer.headers['x-request-id']).toBe(answer.problem!.instance)
      if (status === 405) expect(answer.headers).toHaveProperty('allow')
      await answer.client.ends()
      expect((await shakeHands(gateway, {})).status, 'and goes on serving').toBe(101)
    },
  )

  it('answers 101 with the subprotocol that was offered, the accept key and an id', async () => {
    const gateway = await startTestGateway()
    const { status, headers } = await shakeHands(gateway, {
      headers: {
        'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
        'sec-websocket-protocol': 'mqtt, sluice.v1',
        'sec-websocket-extensions': 'permessage-deflate',
        origin: 'http://localhost:3000',
      },
    })
    expect(status).toBe(101)
    expect(headers).toMatchObject({
      // The example of RFC 6455, section 1.3.
      'sec-websocket-accept': 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
      'sec-websocket-protocol': 'sluice.v1',
    })
    expect(headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/)
    expect(headers, 'compression is a bomb').not.toHaveProperty('sec-websocket-extensions')
  })

  it('serves a client that offers no subprotocol the same, and names none', async () => {
    const gateway = await startTestGateway()
    const { status, headers } = await shakeHands(gateway, {})
    expect(status).toBe(101)
    expect(headers).not.toHaveProperty('sec-websocket-protocol')
  })

  it('lets in the pages that SLUICE_ALLOWED_ORIGINS lists', async () => {
    const gateway = await startTestGateway({ SLUICE_ALLOWED_ORIGINS: 'https://app.example' })
    const statusOf = async (origin: string) => (await shakeHands(gateway, { headers: { origin } })).status
    expect(await statusOf('https://app.example')).toBe(101)
    expect(await statusOf('https://app.example.evil.example')).toBe(403)
  })

  it('refuses one socket too many with 503 and Retry-After, until another has gone', async () => {
    const gateway = await startTestGateway({ SLUICE_MAX_STREAMS: '2' })
    const first = await rawConnect(gateway)
    await rawConnect(gateway)
    const refused = await shakeHands(gateway, {})
    expect(refused).toMatchObject({ status: 503, problem: { code: 'too_many_streams', retryable: true } })
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
    first.socket.destroy()
    await expect.poll(async () => (await shakeHands(gateway, {})).status, { interval: 20 }).toBe(101)
  })

  it('refuses while it drains, with Retry-After', async () => {
    const gateway = await startTestGateway({ SLUICE_SHUTDOWN_TIMEOUT_MS: '2000' })
    const { refused, stopped } = await (async () => {
      // The connection is there before the server stops listening.
      const late = new RawClient(gateway.url)
      await new Promise((resolve) => late.socket.once('connect', resolve))
      const stopped = gateway.stop()
      await untilRefused(gateway)
      const head = await late.handshake()
      return { refused: { ...head, problem: late.problem }, stopped }
    })()
    expect(refused).toMatchObject({ status: 503, problem: { code: 'shutting_down' } })
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
    await stopped
  })

  it('ends a refused connection even where the client never ends it', async () => {
    const gateway = await startTestGateway()
    const { client } = await shakeHands(gateway, { path: '/nowhere' })
    await client.ends()
    const gone = new Promise((resolve) => client.socket.once('close', resolve))
    // Ours is open still: what is written fails once the gateway has let go of its end.
    const writing = setInterval(() => client.socket.write('x'), 1_500)
    await gone
    clearInterval(writing)
  })

  it('says in plain words what a subscription lacks', async () => {
    const client = connect(await startTestGateway(), { group: 'g' })
    await client.closed
    expect(client.frames).toMatchObject([
      { type: 'error', detail: 'topics: is missing, and no resume token stands for it.' },
    ])
  })

  it('tells in an error frame and the close code what is wrong with a subscription in the URL', async () => {
    const gateway = await startTestGateway()
    for (const [query, code, close] of [
      [{ topics: 'a,a' }, 'invalid_subscription', 4422],
      [{ topics: 'no/topic' }, 'invalid_topic_name', 4422],
      [{ topics: '__consumer_offsets' }, 'internal_topic', 4403],
      [{ topics: 'there-is-no-such-topic' }, 'topic_not_found', 4404],
      [{ topics: 'there-is-no-such-topic', group: 'g' }, 'topic_not_found', 4404],
      [{ topics: 'a', colour: 'red' }, 'invalid_subscription', 4422],
    ] as const) {
      const client = connect(gateway, query)
      expect(await client.closed).toMatchObject({ code: close })
      expect(client.frames).toMatchObject([{ type: 'error', code }])
    }
  })
})
