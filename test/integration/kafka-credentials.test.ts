import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import {
  allow,
  basic,
  bearer,
  brokerOfClients,
  clientsBy,
  PLAIN_USERS,
  setPassword,
} from '../support/client-credentials.ts'
import { startTestGateway } from '../support/gateway.ts'
import { http, type HttpAnswer } from '../support/http.ts'
import { makeTopic, uniqueName } from '../support/kafka.ts'
import { SASL_HANDSHAKE } from '../../dev/kafka/kafka-proxy.ts'
import { kafkaTool } from '../support/kafka-tools/index.ts'
import { logLines } from '../support/log-lines.ts'
import { type CodeBlock, codeBlocks, shellAt, shellCommands } from '../support/readme.ts'
import { useSecuredKafka } from '../support/secured-kafka.ts'
import { temporaryDir } from '../support/temporary-dir.ts'
import { until } from '../support/until.ts'
import { connect, WsClient, wsUrl } from '../support/ws.ts'

const kafka = useSecuredKafka(brokerOfClients)

/** A gateway that asks Kafka as its clients, by SCRAM-SHA-256 through the proxy unless `env` says otherwise. */
async function gatewayFor(env: Record<string, string> = {}) {
  const log = logLines()
  const gateway = await startTestGateway(
    { ...clientsBy('SCRAM-SHA-256', kafka.brief), ...env },
    { log: log.log },
  )
  return { gateway, ...http(gateway), ...log }
}

const [settings, request, acls] = codeBlocks('docs/kafka-credentials.md') as [CodeBlock, CodeBlock, CodeBlock]

/** The listener where Kafka itself never asks again. */
const overTls = () => ({
  KAFKA_BROKERS: kafka.sasl,
  KAFKA_TLS: 'true',
  KAFKA_TLS_CA_FILE: kafka.authority.certificate,
})

const logins = () => kafka.proxy.requests.get(SASL_HANDSHAKE) ?? 0
const code = ({ json }: HttpAnswer) => (json as { code?: string } | undefined)?.code

/** How a WebSocket that is refused before it is one was answered. */
function refused(client: WsClient): Promise<number | undefined> {
  return new Promise((resolve) => {
    client.socket.once('unexpected-response', (request, response) => {
      resolve(response.statusCode)
      request.destroy()
    })
  })
}

beforeAll(async () => {
  for (const user of ['alice', 'bob']) {
    await setPassword(kafka.open, user)
    await allow(kafka.open, [user], `${user}-`)
  }
  await allow(kafka.open, ['alice', 'bob', ...PLAIN_USERS.slice(0, 3)], 'shared-')
})

describe("Kafka's own ACLs", () => {
  it('keep two users apart on every way in, and a refusal tells nothing', async () => {
    const { gateway, ...api } = await gatewayFor()
    const topic = await makeTopic({ name: uniqueName('alice-') }, kafka.open)
    await makeTopic({ name: uniqueName('bob-') }, kafka.open)
    const group = uniqueName('alice-')
    const [alice, bob] = [basic('alice'), basic('bob')]
    const records = `/v1/topics/${topic}/records`
    const requests: Record<
      string,
      (headers: { authorization: string }, path?: string) => Promise<HttpAnswer>
    > = {
      produce: (headers, path = records) => api.post(path, { value: 'a' }, { headers }),
      lines: (headers, path = records) =>
        api.post(path, '{"value":"b"}\n', {
          headers: { ...headers, 'content-type': 'application/x-ndjson' },
        }),
      read: (headers, path = records) => api.get(`${path}?from=earliest`, { headers }),
      poll: (headers, path = records) => api.get(`${path}?from=latest&wait=1`, { headers }),
      events: (headers, path = records) =>
        api.get(`${path}?from=earliest&until=latest`, {
          headers: { ...headers, accept: 'text/event-stream' },
        }),
      ndjson: (headers, path = records) =>
        api.get(`${path}?from=earliest`, { headers: { ...headers, accept: 'application/x-ndjson' } }),
      describe: (headers, path = records) => api.get(path.replace('/records', ''), { headers }),
      'open a producer': (headers, path = records) =>
        api.post(path.replace('records', 'producers'), {}, { headers }),
    }
    const unknown = `/v1/topics/${uniqueName('alice-')}/records`
    for (const [name, request] of Object.entries(requests)) {
      const own = await request(alice)
      expect(own.status, `${name}: ${own.text}`).toBeLessThan(300)
      const foreign = await request(bob)
      expect([foreign.status, code(foreign)], name).toEqual([403, 'kafka_authorization'])
      expect(foreign.text, name).not.toContain(topic)
      // Whether it is there or not.
      const none = await request(bob, unknown)
      expect([none.status, code(none)], name).toEqual([403, 'kafka_authorization'])
    }
    const listed = async (headers: { authorization: string }) =>
      ((await api.get('/v1/topics', { headers })).json as { topics: { name: string }[] }).topics.map(
        ({ name }) => name,
      )
    expect(await listed(alice)).toContain(topic)
    expect((await listed(bob)).filter((name) => !/^(bob|shared)-/.test(name))).toEqual([])

    const query = { topics: topic, group, from: 'earliest' }
    const member = connect(gateway, query, { headers: alice })
    await member.received(2)
    member.send({ type: 'produce', id: 1, topic, records: [{ value: 'c' }] })
    await member.frame('produced')
    await member.received(3)
    const refusals: Record<string, string>[] = [query, { topics: topic }, { topics: 'shared-none', group }]
    await makeTopic({ name: 'shared-none' }, kafka.open)
    for (const refusal of refusals) {
      const client = connect(gateway, refusal, { headers: bob })
      const { code: closed } = await client.closed
      expect(closed, JSON.stringify(refusal)).toBe(4403)
    }
    const stranger = connect(gateway, {}, { headers: bob })
    await stranger.opened()
    stranger.send({ type: 'produce', id: 1, topic, records: [{ value: 'x' }] })
    expect(await stranger.frame('error')).toMatchObject({
      code: 'kafka_authorization',
      outcome: 'not_written',
    })
    // Nothing of bob's is there, as Kafka's own tool has it.
    const offsets = await kafkaTool('kafka-get-offsets', ['--topic', topic], kafka.open)
    expect(offsets.trim()).toBe(`${topic}:0:3`)
  })

  it('are joined by rules of the gateway where there are some; what is one principal’s is no other’s', async () => {
    const policy = join(temporaryDir(), 'policy.yaml')
    writeFileSync(policy, 'rules: [{ to: [user:alice, user:bob], allow: [all], topics: [shared-*] }]')
    const { post, put, get } = await gatewayFor({ SLUICE_POLICY_FILE: policy })
    const topic = await makeTopic({ name: uniqueName('shared-') }, kafka.open)
    const [alice, bob] = [basic('alice'), basic('bob')].map((headers) => ({ headers }))
    const none = await get('/v1/topics/alice-x/records', alice)
    expect([none.status, code(none)]).toEqual([403, 'forbidden'])
    const opened = await post(`/v1/topics/${topic}/producers`, {}, alice)
    const { producer } = opened.json as { producer: string }
    const path = `/v1/topics/${topic}/producers/${producer}/records/0`
    const stolen = await put(path, { records: [{ value: 1 }] }, bob)
    expect([stolen.status, code(stolen)]).toEqual([400, 'invalid_producer'])
    expect((await put(path, { records: [{ value: 1 }] }, alice)).status).toBe(201)
    const transact = (who: typeof alice) =>
      post('/v1/transactions', { id: 'order-17', records: [{ topic, value: 2 }] }, who)
    expect(code(await transact(alice))).toBe('kafka_authorization')
    for (const command of shellCommands(acls)) {
      const words = command.replaceAll('\\\n', '').split(/\s+/)
      await kafkaTool('kafka-acls', words.slice(words.indexOf('--add')), kafka.open)
    }
    expect((await transact(alice)).status).toBe(200)
    expect((await get('/v1/transactions/order-17', alice)).json).toMatchObject({ state: 'committed' })
    expect(code(await get('/v1/transactions/order-17', bob))).toBe('kafka_authorization')
  })
})

it('docs/kafka-credentials.md shows settings and a request that work as written', async () => {
  const env = Object.fromEntries(
    settings.code
      .trim()
      .split('\n')
      .map((line) => line.split(/=(.*)/).slice(0, 2) as [string, string]),
  )
  const files = { KAFKA_BROKERS: kafka.sasl, KAFKA_TLS_CA_FILE: kafka.authority.certificate }
  expect(Object.keys(env)).toEqual(expect.arrayContaining(Object.keys(files)))
  await makeTopic({ name: 'orders' }, kafka.open)
  await allow(kafka.open, ['alice'], 'orders')
  const { url } = await startTestGateway({ ...env, ...files })
  expect(await shellAt(url)(shellCommands(request)[0]!)).toMatchObject({ partition: 0, offset: 0 })
})

describe('credentials', () => {
  it('that are wrong are 401, and however often they come, Kafka hears of them once a second', async () => {
    const { gateway, get, post, text } = await gatewayFor({ SLUICE_FAILED_LOGINS: '500' })
    const before = logins()
    const began = performance.now()
    const wrong = { headers: basic('alice', 'bob-secret') }
    const answers = await Promise.all(Array.from({ length: 60 }, () => get('/v1/topics', wrong)))
    for (const answer of answers) {
      expect([answer.status, code(answer)]).toEqual([401, 'invalid_credentials'])
      expect(answer.headers.get('www-authenticate')).toMatch(/^Basic /)
      expect(answer.text).not.toMatch(/scram|broker|sasl|127\.0\.0\.1/i)
    }
    expect(logins() - before).toBeLessThanOrEqual(1 + (performance.now() - began) / 1_000)
    expect(await post('/v1/topics/alice-x/records', { value: 1 }, wrong)).toMatchObject({
      status: 401,
      json: { code: 'invalid_credentials', outcome: 'not_written' },
    })
    expect(await refused(connect(gateway, { topics: 'alice-x' }, wrong))).toBe(401)
    // What needs none, and what needs some.
    for (const path of ['/readyz', '/startupz', '/healthz', '/openapi.json', '/problems'])
      expect((await get(path)).status).toBe(200)
    for (const path of ['/v1/topics', '/v1/cluster']) expect(code(await get(path))).toBe('unauthenticated')
    for (const headers of [
      bearer('a.b.c'),
      bearer('sluice_a_b'),
      basic('al\0ice'),
      basic('alice', ''),
      basic('', 'x'),
    ])
      expect(code(await get('/v1/topics', { headers })), headers.authorization).toBe('invalid_credentials')
    expect(text()).not.toMatch(/-secret/)
  })

  it('past the limit of wrong ones from an address reach Kafka one a second, and right ones are served', async () => {
    const { get } = await gatewayFor({ SLUICE_FAILED_LOGINS: '3' })
    const alice = { headers: basic('alice') }
    expect((await get('/v1/topics', alice)).status).toBe(200)
    const before = logins()
    const began = performance.now()
    const guesses: (string | undefined)[] = []
    for (let i = 0; i < 40; i++)
      guesses.push(code(await get('/v1/topics', { headers: basic('bob', `guess-${i}`) })))
    expect(guesses.slice(0, 3)).toEqual(Array.from({ length: 3 }, () => 'invalid_credentials'))
    expect(new Set(guesses.slice(3))).toEqual(new Set(['too_many_failed_logins']))
    expect(logins() - before).toBeLessThanOrEqual(5 + (performance.now() - began) / 1_000)
    expect((await get('/v1/topics', alice)).status).toBe(200)
    // One that Kafka has not seen yet has to wait for its turn.
    await until(async () => (await get('/v1/topics', { headers: basic('bob') })).status === 200)
  })

  it('that are taken away in Kafka end streams and requests: a password changed, a user deleted', async () => {
    const { gateway, get, lines } = await gatewayFor({
      ...overTls(),
      SLUICE_KAFKA_LOGIN_CHECK_MS: '200',
    })
    const users = [uniqueName('changed'), uniqueName('deleted')] as const
    for (const user of users) await setPassword(kafka.open, user)
    await allow(kafka.open, users, 'used-')
    const topic = await makeTopic({ name: uniqueName('used-') }, kafka.open)
    const sockets = users.map((user) =>
      connect(gateway, { topics: topic, group: uniqueName('used-') }, { headers: basic(user) }),
    )
    for (const socket of sockets) await socket.frame('assigned')
    const [changed, deleted] = users
    await setPassword(kafka.open, changed, 'another-secret')
    await setPassword(kafka.open, deleted, '')
    for (const socket of sockets) {
      expect((await socket.closed).code).toBe(4401)
      expect(socket.all('error')).toMatchObject([{ code: 'credentials_expired' }])
    }
    for (const user of users)
      expect(code(await get('/v1/topics', { headers: basic(user) }))).toBe('invalid_credentials')
    expect((await get('/v1/topics', { headers: basic(changed, 'another-secret') })).status).toBe(200)
    expect(lines).toContainEqual(
      expect.objectContaining({
        msg: 'Kafka no longer accepts the credentials of a client',
        principal: `user:${changed}`,
      }),
    )
  })

  it('wait for a Kafka that does not answer: 503, and served when it does', async () => {
    const { get } = await gatewayFor()
    const { target } = kafka.proxy
    kafka.proxy.target = undefined
    onTestFinished(() => void (kafka.proxy.target = target))
    kafka.proxy.cut()
    const alice = { headers: basic('alice') }
    for (const answer of [await get('/v1/topics', alice), await get('/readyz')])
      expect([answer.status, code(answer)]).toEqual([503, 'kafka_unavailable'])
    kafka.proxy.target = target
    expect((await get('/v1/topics', alice)).status).toBe(200)
  })
})

describe('the clients that are logged in', () => {
  const plain = (env: Record<string, string> = {}) => gatewayFor({ KAFKA_SASL_MECHANISM: 'PLAIN', ...env })
  const [p0, p1, p2] = PLAIN_USERS.map((user) => ({ headers: basic(user) })) as [
    { headers: { authorization: string } },
    { headers: { authorization: string } },
    { headers: { authorization: string } },
  ]

  it('are no more than may be: idle ones make room, those with open streams stay, and where all have, one more waits', async () => {
    const { gateway, get } = await plain({ SLUICE_KAFKA_CLIENTS: '2' })
    const topic = await makeTopic({ name: uniqueName('shared-') }, kafka.open)
    const open = kafka.proxy.connections
    const reader = connect(gateway, { topics: topic }, p0)
    await reader.frame('assigned')
    const stream = new AbortController()
    const events = await http(gateway).stream(`/v1/topics/${topic}/records`, {
      headers: { ...p1.headers, accept: 'text/event-stream' },
      signal: stream.signal,
    })
    expect(events.status).toBe(200)
    const full = await get('/v1/topics', p2)
    expect([full.status, code(full), full.headers.get('retry-after')]).toEqual([
      503,
      'too_many_kafka_clients',
      '5',
    ])
    // Those that are in are served all the while.
    for (const user of [p0, p1]) expect((await get('/v1/topics', user)).status).toBe(200)
    stream.abort()
    await until(async () => (await get('/v1/topics', p2)).status === 200)
    const path = `/v1/topics/${topic}/records`
    for (let round = 0; round < 3; round++) {
      for (const user of [p1, p2])
        expect((await http(gateway).post(path, { value: round }, user)).status).toBe(200)
    }
    // What was written before its client made room is there, and the stream has lived through all of it.
    await reader.received(6)
    expect(kafka.proxy.connections - open).toBeLessThanOrEqual(8)
  })

  it('are logged out when they have been idle: a hundred leave nothing behind', async () => {
    const { gateway, get } = await plain({ SLUICE_KAFKA_CLIENTS: '4', SLUICE_KAFKA_CLIENT_IDLE_MS: '400' })
    const open = kafka.proxy.connections
    expect((await get('/v1/topics', p0)).status).toBe(200)
    const handles = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length
    const before = handles()
    let most = 0
    for (const user of PLAIN_USERS) {
      expect((await get('/v1/topics', { headers: basic(user) })).status, user).toBe(200)
      most = Math.max(most, kafka.proxy.connections - open)
    }
    expect(most).toBeLessThanOrEqual(4 * 2 + 2)
    await until(() => kafka.proxy.connections <= open)
    await until(() => handles() <= before)
    // And come back as if they had never been away.
    expect((await get('/v1/topics', p0)).status).toBe(200)
    await gateway.stop()
    expect(kafka.proxy.connections).toBeLessThanOrEqual(open)
  })

  it('keep the place in its group of one whose socket dropped, for its grace', async () => {
    const { gateway, get } = await plain({ SLUICE_KAFKA_CLIENTS: '1' })
    const topic = await makeTopic({ name: uniqueName('shared-') }, kafka.open)
    const query = { topics: topic, group: uniqueName('shared-'), grace: '2000' }
    const member = connect(gateway, query, p0)
    const { token } = await member.frame('resumable')
    member.destroy()
    await member.closed
    expect(code(await get('/v1/topics', p1))).toBe('too_many_kafka_clients')
    const again = connect(gateway, { resume: token }, p0)
    expect(await again.frame('resumable')).toMatchObject({ kept: true })
    await again.close()
    await until(async () => (await get('/v1/topics', p1)).status === 200)
    // A place is that of one principal.
    const thief = connect(gateway, { resume: token }, p1)
    expect((await thief.closed).code).toBe(4422)
  })
})

describe('tokens', () => {
  const oauth = (env: Record<string, string> = {}) =>
    gatewayFor({
      ...overTls(),
      KAFKA_SASL_MECHANISM: 'OAUTHBEARER',
      ...env,
    })

  it('go to Kafka as they are, from a header, a subprotocol or a message', async () => {
    const { gateway, get, post } = await oauth()
    const topic = await makeTopic({ name: uniqueName('alice-') }, kafka.open)
    const [alice, bob] = ['alice', 'bob'].map((sub) => kafka.tokens.token(sub)) as [string, string]
    const records = `/v1/topics/${topic}/records`
    expect((await post(records, { value: 1 }, { headers: bearer(alice) })).status).toBe(200)
    expect(code(await get(records, { headers: bearer(bob) }))).toBe('kafka_authorization')
    kafka.tokens.audience = 'another'
    const foreign = kafka.tokens.token('alice')
    kafka.tokens.audience = 'kafka'
    const refusedToken = await get(records, { headers: bearer(foreign) })
    expect([refusedToken.status, code(refusedToken)]).toEqual([401, 'invalid_credentials'])
    expect(refusedToken.headers.get('www-authenticate')).toMatch(/^Bearer /)
    expect(code(await get(records, { headers: basic('alice') }))).toBe('invalid_credentials')

    const subprotocol = `sluice.bearer.${Buffer.from(alice).toString('base64url')}`
    const offered = connect(
      gateway,
      { topics: topic, from: 'earliest' },
      { protocols: ['sluice.v1', subprotocol] },
    )
    await offered.received(1)
    const said = new WsClient(`${wsUrl(gateway)}?auth=message`)
    await said.opened()
    said.send({ type: 'authenticate', token: alice })
    expect(await said.frame('authenticated')).toMatchObject({ principal: 'user:alice' })
    said.send({ type: 'subscribe', topics: [topic], from: 'earliest' })
    said.send({ type: 'produce', id: 1, topic, records: [{ value: 2 }] })
    await said.received(2)
    // A socket stays with the login it began with.
    said.send({ type: 'authenticate', token: kafka.tokens.token('alice') })
    expect(await said.frame('error')).toMatchObject({ code: 'invalid_credentials' })
    said.send({ type: 'authenticate', token: alice })
    await said.frame('authenticated', { from: said.frames.length })
    const wrong = new WsClient(`${wsUrl(gateway)}?auth=message`)
    await wrong.opened()
    wrong.send({ type: 'authenticate', token: foreign })
    expect(await wrong.frame('error')).toMatchObject({ code: 'invalid_credentials' })
    const none = await post('/v1/tickets', undefined, { headers: bearer(alice) })
    expect([none.status, code(none)]).toEqual([404, 'no_tickets'])
  })

  it('end their streams when they expire, and the place is there for the next', async () => {
    const { gateway, get } = await oauth({ SLUICE_KAFKA_LOGIN_CHECK_MS: '200' })
    const topic = await makeTopic({ name: uniqueName('alice-') }, kafka.open)
    kafka.tokens.lifetime = 2
    onTestFinished(() => void (kafka.tokens.lifetime = 600))
    const brief = kafka.tokens.token('alice')
    kafka.tokens.lifetime = 600
    const query = { topics: topic, group: uniqueName('alice-'), grace: '5000' }
    const socket = connect(gateway, query, { headers: bearer(brief) })
    const { token } = await socket.frame('resumable')
    await socket.frame('expiring')
    expect((await socket.closed).code).toBe(4401)
    expect(socket.all('error')).toMatchObject([{ code: 'credentials_expired' }])
    expect(code(await get('/v1/topics', { headers: bearer(brief) }))).toBe('invalid_credentials')
    const next = connect(gateway, { resume: token }, { headers: bearer(kafka.tokens.token('alice')) })
    await next.frame('resumable')
  })
})
