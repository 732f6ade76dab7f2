import { describe, expect, it } from 'vitest'
import { type AuthFiles, authFiles } from '../../support/auth.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { http } from '../../support/http.ts'
import { makeTopic, uniqueName } from '../../support/kafka.ts'
import { produce } from '../../support/produce.ts'
import { Opcode, RawClient, rawFrame } from '../../support/raw-ws.ts'
import { WsClient } from '../../support/ws.ts'

/** By when a stream whose credentials no longer count has ended, ms; it takes seconds. */
const REVOKED_MS = 15_000

async function setUp() {
  const prefix = uniqueName('a-')
  const topic = await makeTopic({ name: `${prefix}topic` })
  const other = await makeTopic({ name: `${prefix}other` })
  const policy = (topics: string) =>
    `rules: [{ to: [key:a], allow: [consume, produce], topics: ['${topics}'], groups: ['${prefix}*'] }, { to: [key:b], allow: [consume], topics: [none] }]`
  const auth = authFiles(policy(`${prefix}*`), ['a', 'b'])
  const { url } = await startTestGateway(auth.env)
  const socket = (query: string, options: ConstructorParameters<typeof WsClient>[1] = {}) =>
    new WsClient(`${url.replace('http', 'ws')}/v1/ws?${query}`, options)
  return { url, socket, auth, prefix, topic, other, policy }
}

async function refusedWith(client: WsClient): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>()
  client.socket.once('unexpected-response', (request, response) => {
    resolve(response.statusCode ?? 0)
    request.destroy()
  })
  return promise
}

async function ticketOf(url: string, auth: AuthFiles, origin?: string): Promise<string> {
  const headers = { ...auth.headers.a!, ...(origin && { origin }) }
  const { json, status } = await http({ url }).post('/v1/tickets', undefined, { headers })
  expect(status).toBe(201)
  return (json as { ticket: string }).ticket
}

describe('a WebSocket', () => {
  it('is refused before it is one, without credentials and with wrong ones', async () => {
    const { socket, topic, auth } = await setUp()
    expect(await refusedWith(socket(`topics=${topic}`))).toBe(401)
    expect(await refusedWith(socket(`topics=${topic}`, { headers: { authorization: 'Bearer x' } }))).toBe(401)
    expect(await refusedWith(socket(`topics=${topic}&access_token=${auth.keys.a}`))).toBe(400)
  })

  it('reads what its principal may, and is closed with 4403 for anything else', async () => {
    const { socket, topic, auth, prefix } = await setUp()
    const reader = socket(`topics=${topic}&from=earliest&group=${prefix}g`, { headers: auth.headers.a! })
    await produce(topic, [{ value: 'mine' }])
    await reader.frame('records')
    for (const query of [`topics=${topic}`, `topics=none&group=${prefix}g`]) {
      const { code } = await socket(query, { headers: auth.headers.b! }).closed
      expect(code, query).toBe(4403)
    }
  })

  it('has no more of a pattern than its principal may read', async () => {
    const { socket, topic, other, auth, prefix, policy } = await setUp()
    auth.writePolicy(policy(topic))
    await produce(other, [{ value: 'hidden' }])
    await produce(topic, [{ value: 'shown' }])
    await expect
      .poll(
        async () => {
          const reader = socket(`topics=${prefix}*&from=earliest`, { headers: auth.headers.a! })
          await reader.frame('caughtUp')
          return reader.records.map(({ value }) => value)
        },
        { timeout: REVOKED_MS },
      )
      .toEqual(['shown'])
  })

  it('may say who it is in a subprotocol, by a ticket once, and by its first message', async () => {
    const { url, socket, topic, auth } = await setUp()
    await produce(topic, [{ value: 'mine' }])
    const query = `topics=${topic}&from=earliest`
    const bearer = `sluice.bearer.${Buffer.from(auth.keys.a!).toString('base64url')}`
    const bySubprotocol = socket(query, { protocols: ['sluice.v1', bearer] })
    await bySubprotocol.frame('records')
    expect(bySubprotocol.socket.protocol).toBe('sluice.v1')

    const ticket = await ticketOf(url, auth)
    await socket(`${query}&ticket=${ticket}`).frame('records')
    expect(await refusedWith(socket(`${query}&ticket=${ticket}`))).toBe(401)

    const byMessage = await socket(`${query}&auth=message`).opened()
    byMessage.send({ type: 'authenticate', token: auth.keys.a })
    expect(await byMessage.frame('authenticated')).toMatchObject({ principal: 'key:a', expiresAt: null })
    await byMessage.frame('records')
  })

  it.each(['', '&auth=message'])(
    'is heard in the order it speaks: what comes right behind `authenticate` counts as that one%s',
    async (query) => {
      const { url, topic, auth } = await setUp()
      const say = (message: object) => rawFrame(Opcode.text, JSON.stringify(message))
      const authenticate = say({ type: 'authenticate', token: auth.keys.a })
      const produced = (id: number) => say({ type: 'produce', id, topic, records: [{ value: id }] })
      const client = new RawClient(url)
      const headers = query === '' ? auth.headers.a! : {}
      // One packet: the first before it is known who speaks, where a message is to tell.
      await client.handshake({
        path: `/v1/ws?${query}`,
        headers,
        early: Buffer.concat([authenticate, produced(1)]),
      })
      client.send(authenticate, produced(2), authenticate, produced(3))
      await client.until(
        'three answers',
        () => client.messages.filter(({ type }) => type === 'produced').length === 3,
      )
      const refused = client.messages.filter(({ type }) => type === 'error')
      expect(refused).toEqual([])
    },
  )

  it('that was to say who it is, and does not, is closed with 4401', async () => {
    const { socket, topic } = await setUp()
    const silent = socket(`topics=${topic}&auth=message`)
    expect((await silent.closed).code).toBe(4401)
  })

  it('produces to what its principal may write to alone', async () => {
    const { socket, topic, auth } = await setUp()
    const client = await socket('', { headers: auth.headers.b! }).opened()
    client.send({ type: 'produce', id: 1, topic, records: [{ value: 1 }] })
    expect(await client.frame('error')).toMatchObject({ code: 'forbidden', id: 1, outcome: 'not_written' })
  })

  it('ends when its key is taken away, and when rules no longer allow it', { timeout: 60_000 }, async () => {
    const { socket, topic, auth, policy } = await setUp()
    const first = socket(`topics=${topic}`, { headers: auth.headers.a! })
    await first.frame('assigned')
    auth.writePolicy(policy('elsewhere'))
    expect((await first.closed).code).toBe(4403)
    auth.writePolicy(policy(topic))
    const second = await expect
      .poll(() => socket(`topics=${topic}`, { headers: auth.headers.a! }).frame('assigned'), {
        timeout: REVOKED_MS,
      })
      .toBeDefined()
      .then(() => socket(`topics=${topic}`, { headers: auth.headers.a! }))
    await second.frame('assigned')
    auth.writeKeys((key) => (key.id === 'a' ? undefined : key))
    expect((await second.closed).code).toBe(4401)
  })
})

describe('a stream over HTTP', () => {
  it('takes a ticket from the page it was made for, once', async () => {
    const { url, topic, auth } = await setUp()
    await produce(topic, [{ value: 'mine' }])
    const ask = async (ticket: string, origin: string) => {
      const response = await fetch(`${url}/v1/topics/${topic}/records?from=earliest&ticket=${ticket}`, {
        headers: { accept: 'application/x-ndjson', origin },
      })
      await response.text()
      return response.status
    }
    const page = 'http://localhost:3000'
    const ticket = await ticketOf(url, auth, page)
    expect(await ask(ticket, 'http://localhost:4000')).toBe(401)
    expect(await ask(ticket, page)).toBe(200)
    expect(await ask(ticket, page)).toBe(401)
    // A browser sends no Origin with a read of its own page's.
    const own = await ticketOf(url, auth, url)
    const sameOrigin = await fetch(`${url}/v1/topics/${topic}/records?from=earliest&ticket=${own}`, {
      headers: { 'sec-fetch-site': 'same-origin' },
    })
    expect(sameOrigin.status).toBe(200)
  })

  it('ends with the reason and where to go on, when its key is taken away', { timeout: 60_000 }, async () => {
    const { url, topic, auth } = await setUp()
    const response = await fetch(`${url}/v1/topics/${topic}/records?follow=true`, {
      headers: { accept: 'application/x-ndjson', ...auth.headers.a! },
    })
    expect(response.status).toBe(200)
    auth.writeKeys(() => undefined)
    const last = JSON.parse((await response.text()).trim().split('\n').at(-1)!) as object
    expect(last).toMatchObject({ error: { code: 'credentials_expired' }, cursor: expect.any(String) })
  })
})

it('a page of another origin changes nothing, also where nobody has to show who they are', async () => {
  const { url } = await startTestGateway()
  const topic = await makeTopic()
  const post = (origin: string) =>
    fetch(`${url}/v1/topics/${topic}/records`, { method: 'POST', body: 'x', headers: { origin } })
  const refused = await post('https://evil.example')
  expect(refused.status).toBe(403)
  expect(await refused.json()).toMatchObject({ code: 'origin_not_allowed', outcome: 'not_written' })
  for (const origin of [url, 'http://localhost:3000']) expect((await post(origin)).status).toBe(200)
})
