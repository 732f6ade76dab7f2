import { copyFileSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { TestAuthority } from '../support/certificates.ts'
import { runDoctor } from '../support/doctor.ts'
import { startTestGateway } from '../support/gateway.ts'
import { http } from '../support/http.ts'
import { makeTopic, uniqueName } from '../support/kafka.ts'
import { SASL_HANDSHAKE } from '../../dev/kafka/kafka-proxy.ts'
import { logLines } from '../support/log-lines.ts'
import { brokenPromises, Load } from '../support/produce-load.ts'
import { readAll } from '../support/read-all.ts'
import { BRIEF_MS, useSecuredKafka } from '../support/secured-kafka.ts'
import { temporaryDir } from '../support/temporary-dir.ts'
import { CLIENT } from '../support/token-server.ts'
import { until } from '../support/until.ts'
import { connect, placesOf } from '../support/ws.ts'

const kafka = useSecuredKafka()
const password = { KAFKA_SASL_USERNAME: 'sluice', KAFKA_SASL_PASSWORD: 'scram-secret' }
const tls = () => ({ KAFKA_TLS: 'true', KAFKA_TLS_CA_FILE: kafka.authority.certificate })
const oauth = () => ({
  KAFKA_SASL_MECHANISM: 'OAUTHBEARER',
  KAFKA_SASL_OAUTH_TOKEN_URL: kafka.tokens.tokenUrl,
  KAFKA_SASL_OAUTH_CLIENT_ID: CLIENT.id,
  KAFKA_SASL_OAUTH_CLIENT_SECRET: CLIENT.secret,
})

/** A gateway with a log, and its HTTP client. */
async function gatewayTo(brokers: string, env: Record<string, string>) {
  const log = logLines()
  const gateway = await startTestGateway({ KAFKA_BROKERS: brokers, ...env }, { log: log.log })
  return { ...http(gateway), gateway, ...log }
}
type Api = Awaited<ReturnType<typeof gatewayTo>>

const status = async ({ get }: Api, path = '/readyz') => (await get(path)).status
const ready = (api: Api) => until(async () => (await status(api)) === 200)
const refusals = ({ lines }: Pick<Api, 'lines'>) =>
  lines.filter(({ msg }) => String(msg).startsWith('no login at Kafka'))

/** Neither ready nor able to write, by a problem that gives nothing away, and the log says why. */
async function expectRefused(api: Api, topic: string, reason: RegExp, secrets: readonly string[] = []) {
  for (const answer of [
    await api.get('/readyz'),
    await api.post(`/v1/topics/${topic}/records`, { value: 1 }),
  ]) {
    expect(answer).toMatchObject({ status: 502, json: { code: 'kafka_auth_failed' } })
    expect(answer.text).not.toMatch(/secret|wrong|127\.0\.0\.1|sasl_|ssl|scram|certificate/i)
  }
  expect(refusals(api).map((line) => String(line.reason))).toContainEqual(expect.stringMatching(reason))
  for (const secret of secrets) expect(api.text()).not.toContain(secret)
}

describe('the connection to Kafka', () => {
  it('is made with a password, a challenge or a token, and carries records both ways', async () => {
    const topic = await makeTopic({}, kafka.open)
    const sasl: Record<string, Record<string, string>> = {
      PLAIN: { ...password, KAFKA_SASL_PASSWORD: 'plain-secret', KAFKA_SASL_MECHANISM: 'PLAIN' },
      'SCRAM-SHA-256': { ...password, KAFKA_SASL_MECHANISM: 'SCRAM-SHA-256' },
      'SCRAM-SHA-512': { ...password, KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512' },
      'fetched token': {
        ...oauth(),
        KAFKA_SASL_OAUTH_SCOPE: 'kafka',
        KAFKA_SASL_OAUTH_EXTENSIONS: 'pool=a,zone=b',
      },
      'given token': { KAFKA_SASL_MECHANISM: 'OAUTHBEARER', KAFKA_SASL_TOKEN: kafka.tokens.token() },
    }
    for (const [name, env] of Object.entries(sasl)) {
      const api = await gatewayTo(kafka.sasl, { ...tls(), ...env })
      const produced = await api.post(`/v1/topics/${topic}/records`, { value: name })
      expect(produced.status, name).toBe(200)
      const { json } = await api.get(`/v1/topics/${topic}/records?from=-1`)
      expect(json, name).toMatchObject({ records: [{ value: name }] })
      for (const secret of Object.entries(env).filter(([key]) => /PASSWORD|SECRET|TOKEN$/.test(key)))
        expect(api.text()).not.toContain(secret[1])
    }
  })

  it('is made by the examples of docs/kafka-security.md, word for word', async () => {
    const made: unknown[] = []
    for (const env of kafka.page.gateways.filter((env) => env.KAFKA_SASL_MECHANISM !== 'AWS_MSK_IAM')) {
      const api = await gatewayTo(env.KAFKA_BROKERS!, env)
      expect(await status(api), JSON.stringify(env)).toBe(200)
      made.push(env.KAFKA_SASL_MECHANISM)
    }
    expect(made).toEqual([undefined, 'PLAIN', 'SCRAM-SHA-512', 'OAUTHBEARER', 'OAUTHBEARER'])
  })

  it("signs in with AWS's package where it is asked to: what it says is a token, if not for this broker", async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'aws-secret')
    onTestFinished(() => void vi.unstubAllEnvs())
    const env = kafka.page.gateways.find((env) => env.KAFKA_SASL_MECHANISM === 'AWS_MSK_IAM')!
    const topic = await makeTopic({}, kafka.open)
    const api = await gatewayTo(kafka.sasl, { ...env, ...tls(), KAFKA_BROKERS: kafka.sasl })
    await expectRefused(api, topic, /the broker refuses OAUTHBEARER/, ['aws-secret'])
  })

  it('is refused with wrong credentials: 502, not ready, and the log says why without telling them', async () => {
    const wrong = { ...password, KAFKA_SASL_PASSWORD: 'wrong-secret' }
    const topic = await makeTopic({}, kafka.open)
    for (const mechanism of ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']) {
      const api = await gatewayTo(kafka.sasl, { ...tls(), ...wrong, KAFKA_SASL_MECHANISM: mechanism })
      await expectRefused(api, topic, new RegExp(`the broker refuses ${mechanism}`), ['wrong-secret'])
    }
    const client = { ...oauth(), KAFKA_SASL_OAUTH_CLIENT_SECRET: 'wrong-secret' }
    const denied = await gatewayTo(kafka.sasl, { ...tls(), ...client })
    await expectRefused(denied, topic, /token endpoint answered 401 invalid_client/, ['wrong-secret'])
    kafka.tokens.audience = 'another'
    onTestFinished(() => void (kafka.tokens.audience = 'kafka'))
    const given = { KAFKA_SASL_MECHANISM: 'OAUTHBEARER', KAFKA_SASL_TOKEN: kafka.tokens.token() }
    const foreign = await gatewayTo(kafka.sasl, { ...tls(), ...given })
    await expectRefused(foreign, topic, /the broker refuses OAUTHBEARER/, [given.KAFKA_SASL_TOKEN])
    const none = await gatewayTo(kafka.open, { ...password, KAFKA_SASL_MECHANISM: 'SCRAM-SHA-256' })
    await expectRefused(none, topic, /ILLEGAL_SASL_STATE/)
  })

  it('is refused to a broker whose certificate has expired, is for another host or of an unknown authority', async () => {
    const topic = await makeTopic({}, kafka.open)
    const elsewhere = new TestAuthority()
    const { cert, key } = elsewhere.issue('stranger')
    const old = kafka.authority.issue('old', { days: 0 })
    const scram = { ...password, KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512' }
    await expectRefused(await gatewayTo(kafka.expired, tls()), topic, /CERT_HAS_EXPIRED/)
    await expectRefused(await gatewayTo(kafka.elsewhere, tls()), topic, /ERR_TLS_CERT_ALTNAME_INVALID/)
    const unknown = { KAFKA_TLS: 'true', KAFKA_TLS_CA_FILE: elsewhere.certificate, ...scram }
    await expectRefused(await gatewayTo(kafka.sasl, unknown), topic, /certificate/)
    await expectRefused(await gatewayTo(kafka.sasl, { KAFKA_TLS: 'true', ...scram }), topic, /certificate/)
    for (const own of [{ cert, key }, old]) {
      const files = { KAFKA_TLS_CERT_FILE: own.cert, KAFKA_TLS_KEY_FILE: own.key }
      await expectRefused(await gatewayTo(kafka.mtls, { ...tls(), ...files }), topic, /ERR_SSL/)
    }
    await expectRefused(await gatewayTo(kafka.mtls, tls()), topic, /ERR_SSL/)
    await expectRefused(await gatewayTo(kafka.sasl, {}), topic, /Broker requires TLS/)
  })

  it('is TLS or nothing: whatever the other side does, no other byte is sent to it', async () => {
    const first: (number | undefined)[] = []
    let turn = 0
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.once('data', (bytes: Buffer) => {
        first.push(bytes[0])
        if (turn++ % 2 === 0) socket.destroy()
        else socket.end('no TLS is spoken here')
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const { port } = server.address() as { port: number }
    const plain = { ...password, KAFKA_SASL_MECHANISM: 'PLAIN' }
    const api = await gatewayTo(`127.0.0.1:${port}`, { ...tls(), ...plain })
    // A connection that ends in the middle may be a broker that stops; one that speaks without TLS will not begin to.
    await until(async () => (await status(api)) === 502)
    expect(first.length).toBeGreaterThanOrEqual(2)
    expect(new Set(first), 'the first byte of a TLS handshake').toEqual(new Set([0x16]))
  })
})

describe('credentials replaced while the gateway runs', () => {
  it('are used from the next connection on: a password in a file, and streams live to see it', async () => {
    await kafka.setPassword('rotated', 'first-password')
    const file = join(temporaryDir(), 'password')
    writeFileSync(file, 'first-password\n')
    const env = { KAFKA_SASL_USERNAME: 'rotated', KAFKA_SASL_MECHANISM: 'SCRAM-SHA-256' }
    const api = await gatewayTo(kafka.brief, { ...env, KAFKA_SASL_PASSWORD_FILE: file })
    const topic = await makeTopic({}, kafka.open)
    const members: Record<string, string>[] = [{ topics: topic }, { topics: topic, group: uniqueName('g') }]
    const streams = members.map((query) => connect(api.gateway, query))
    await Promise.all(streams.map((stream) => stream.frame('assigned')))
    await kafka.setPassword('rotated', 'second-password')
    await until(async () => {
      kafka.proxy.cut()
      return (await status(api)) === 502
    })
    writeFileSync(file, 'second-password\n')
    await ready(api)
    // What was open lives on.
    expect((await api.post(`/v1/topics/${topic}/records`, { value: 'after' })).status).toBe(200)
    for (const stream of streams) expect(await stream.received(1)).toMatchObject([{ value: 'after' }])
    expect(api.lines.map(({ msg }) => msg)).toContain('Kafka takes the gateway again')
    expect(api.text()).not.toMatch(/(first|second)-password/)
  })

  it("are used from the next connection on: authorities, and the gateway's own certificate", async () => {
    const dir = temporaryDir()
    const [ca, cert, key] = ['ca', 'cert', 'key'].map((name) => join(dir, name)) as [string, string, string]
    const good = kafka.authority.issue('renewed')
    const old = kafka.authority.issue('outworn', { days: 0 })
    const put = (own: { cert: string; key: string }) => {
      copyFileSync(own.cert, cert)
      copyFileSync(own.key, key)
    }
    copyFileSync(new TestAuthority().certificate, ca)
    put(old)
    const files = { KAFKA_TLS_CA_FILE: ca, KAFKA_TLS_CERT_FILE: cert, KAFKA_TLS_KEY_FILE: key }
    const api = await gatewayTo(kafka.mtls, { KAFKA_TLS: 'true', ...files })
    expect(await status(api)).toBe(502)
    copyFileSync(kafka.authority.certificate, ca)
    await until(async () => {
      await status(api)
      return refusals(api).some(({ reason }) => /ERR_SSL/.test(String(reason)))
    })
    put(good)
    await ready(api)
    // Half a change is none.
    copyFileSync(old.cert, cert)
    const topic = await makeTopic({}, kafka.open)
    expect((await api.post(`/v1/topics/${topic}/records`, { value: 1 })).status).toBe(200)
    expect(api.lines.map(({ msg }) => msg)).toContain(
      'the new TLS files cannot be used; the ones before them still are',
    )
  })
})

it('is tried at most once a second while Kafka refuses, however much is asked', async () => {
  const env = { ...password, KAFKA_SASL_PASSWORD: 'wrong', KAFKA_SASL_MECHANISM: 'SCRAM-SHA-256' }
  const topic = await makeTopic({ partitions: 6 }, kafka.open)
  const api = await gatewayTo(kafka.brief, env)
  const before = kafka.proxy.requests.get(SASL_HANDSHAKE) ?? 0
  const began = performance.now()
  let answers = 0
  const ask = async () => {
    while (performance.now() - began < 3_500) {
      const answer = await api.post(`/v1/topics/${topic}/records`, { value: 1 })
      expect(answer.status).toBe(502)
      answers++
    }
  }
  await Promise.all(Array.from({ length: 8 }, ask))
  const logins = (kafka.proxy.requests.get(SASL_HANDSHAKE) ?? 0) - before
  expect(logins).toBeGreaterThanOrEqual(2)
  expect(logins).toBeLessThanOrEqual(4)
  expect(answers).toBeGreaterThan(logins)
  // The same refusal again and again is one line.
  expect(refusals(api)).toHaveLength(1)
})

describe('logins that expire', () => {
  it('are renewed on connections in use: none is cut, and no record is lost or doubled', async () => {
    kafka.tokens.lifetime = 4
    onTestFinished(() => void (kafka.tokens.lifetime = 600))
    const ways = [{ ...password, KAFKA_SASL_MECHANISM: 'SCRAM-SHA-256' }, oauth()]
    const cutBefore = kafka.proxy.endedByBroker
    const asked = kafka.tokens.asked.length
    const began = performance.now()
    const runs = await Promise.all(
      ways.map(async (env) => {
        const topic = await makeTopic({ partitions: 3 }, kafka.open)
        const { gateway, ...api } = await gatewayTo(kafka.brief, env)
        const query = { topics: topic, from: 'earliest' }
        const readers = [{ ...query, group: uniqueName('g') }, query].map((q) => connect(gateway, q))
        await Promise.all(readers.map((reader) => reader.frame('assigned')))
        return { topic, api, readers, load: new Load(gateway, { topic, clients: 3, batch: () => 20 }) }
      }),
    )
    const handshakes = kafka.proxy.requests.get(SASL_HANDSHAKE) ?? 0
    const connections = kafka.proxy.connections
    // Each connection twice, and some.
    const enough = () => (kafka.proxy.requests.get(SASL_HANDSHAKE) ?? 0) - handshakes >= 2 * connections
    await until(() => enough() && performance.now() - began > 2.5 * BRIEF_MS, 20_000)
    for (const { topic, api, readers, load } of runs) {
      const told = await load.stop()
      const log = await readAll(topic, kafka.open)
      expect(brokenPromises(told, log, { deadlineMs: 10_000 })).toEqual([])
      expect(new Set(told.map(({ outcome }) => outcome))).toEqual(new Set(['written']))
      expect(log.length).toBeGreaterThan(100)
      for (const reader of readers) {
        const places = placesOf(await reader.received(log.length))
        expect([places.length, new Set(places).size]).toEqual([log.length, log.length])
      }
      expect(refusals(api)).toEqual([])
    }
    expect(kafka.proxy.endedByBroker - cutBefore, 'connections that the broker cut').toBe(0)
    // One token serves all connections for three quarters of its life.
    const seconds = (performance.now() - began) / 1_000
    expect(kafka.tokens.asked.length - asked).toBeLessThanOrEqual(1 + seconds / 3)
  })

  it('end where no new token can be had, and begin again when one can', async () => {
    kafka.tokens.lifetime = 2
    onTestFinished(() => void Object.assign(kafka.tokens, { lifetime: 600, manner: 'answers' }))
    const api = await gatewayTo(kafka.brief, oauth())
    await ready(api)
    kafka.tokens.manner = 'hangs up'
    await until(async () => (await status(api)) === 503)
    expect(await api.get('/readyz')).toMatchObject({ json: { code: 'kafka_unavailable' } })
    kafka.tokens.manner = 'answers'
    await ready(api)
  })
})

describe('sluice doctor', { timeout: 90_000 }, () => {
  const scram = { ...password, KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512' }
  const lines = async (env: Record<string, string>, check = 'bootstrap') => {
    const { of, text } = await runDoctor(env)
    for (const secret of ['scram-secret', 'wrong-secret', CLIENT.secret]) expect(text).not.toContain(secret)
    return of(check).map(({ status, seen, fix }) => `${status} ${seen} -> ${fix}`)
  }

  it('logs in as the gateway does, and only asks: no request that it makes writes anything', async () => {
    kafka.proxy.requests.clear()
    const { of } = await runDoctor({ KAFKA_BROKERS: kafka.brief, ...scram })
    expect(of('bootstrap')).toMatchObject([{ status: 'ok', seen: 'TCP; logged in by SCRAM-SHA-512' }])
    // Metadata, Heartbeat (of nobody), SaslHandshake, ApiVersions, DescribeConfigs, SaslAuthenticate,
    // DescribeQuorum, DescribeCluster, DescribeTransactions. All of the broker's connections are through the proxy.
    const asked = [...kafka.proxy.requests.keys()].sort((a, b) => a - b)
    expect(asked).toEqual(asked.filter((key) => [3, 12, 17, 18, 32, 36, 55, 60, 65].includes(key)))
    expect(asked).toEqual(expect.arrayContaining([3, 32, 55, 60]))
    expect(await lines({ KAFKA_BROKERS: kafka.sasl, ...tls(), ...oauth() })).toEqual([
      // The test's authority ends sooner than in 30 days.
      expect.stringMatching(
        /^warning TCP; TLS until \S+; logged in by OAUTHBEARER; .* ends in \d days? -> Renew/,
      ),
    ])
  })

  it('says what to do about a password, a certificate and a listener that do not fit', async () => {
    const stranger = new TestAuthority()
    const unknownTo = { KAFKA_TLS: 'true', KAFKA_TLS_CA_FILE: stranger.certificate }
    const noClient = { ...oauth(), KAFKA_SASL_OAUTH_CLIENT_SECRET: 'wrong-secret' }
    const listeners = [kafka.expired, kafka.elsewhere, kafka.open, kafka.mtls].join(',')
    const [wrong, unknown, unprotected, noToken, several] = await Promise.all([
      lines({ KAFKA_BROKERS: kafka.sasl, ...tls(), ...scram, KAFKA_SASL_PASSWORD: 'wrong-secret' }),
      lines({ KAFKA_BROKERS: kafka.sasl, ...unknownTo, ...scram }),
      lines({ KAFKA_BROKERS: kafka.sasl }),
      lines({ KAFKA_BROKERS: kafka.sasl, ...tls(), ...noClient }),
      lines({ KAFKA_BROKERS: listeners, ...tls() }),
    ])
    const [expired, elsewhere, plaintext, notAsked] = several
    expect(wrong[0]).toMatch(
      /^problem login: the broker refuses SCRAM.*SASL_AUTHENTICATION_FAILED.* -> .*KAFKA_SASL_PASSWORD/,
    )
    expect(expired).toMatch(/^problem TLS: .*CERT_HAS_EXPIRED.* -> Renew/)
    expect(elsewhere).toMatch(
      /^problem TLS: .*ALTNAME.*; it is for kafka\.example -> Reach the broker by a name/,
    )
    expect(unknown[0]).toMatch(/^problem TLS: .* -> Name the authority .*KAFKA_TLS_CA_FILE/)
    expect(plaintext).toMatch(/^problem TLS: .* -> .*KAFKA_TLS=false/)
    expect(unprotected[0]).toMatch(/^problem login: .* -> Set KAFKA_TLS=true/)
    expect(notAsked).toMatch(/^problem login: .* -> Show a certificate .*KAFKA_TLS_CERT_FILE/)
    expect(noToken[0]).toMatch(/^problem login: .*401 invalid_client.* -> .*KAFKA_SASL_OAUTH_CLIENT_SECRET/)
  })

  it('finds out where clients are sent that this machine can not reach, though it came in', async () => {
    const { code, of } = await runDoctor({ KAFKA_BROKERS: kafka.away })
    expect(code).toBe(1)
    expect(of('bootstrap')).toMatchObject([{ status: 'ok' }])
    expect(of('advertised')).toMatchObject([
      {
        status: 'problem',
        subject: 'broker 1 at kafka.invalid:9092',
        seen: 'name: there is no such host',
        fix: expect.stringContaining('Set advertised.listeners of broker 1'),
      },
    ])
  })
})
