import { once } from 'node:events'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { join, resolve } from 'node:path'
import { expect, it, onTestFinished, vi } from 'vitest'
import { freePort } from '../../../dev/kafka/free-port.ts'
import { useAdminCluster } from '../../support/admin-cluster.ts'
import { authFiles } from '../../support/auth.ts'
import { TestAuthority } from '../../support/certificates.ts'
import { Cli } from '../../support/cli.ts'
import { runDoctor } from '../../support/doctor.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { brokers, makeTopic, uniqueName } from '../../support/kafka.ts'
import { OtlpReceiver } from '../../support/otlp-receiver.ts'
import { silentKafka } from '../../support/silent-kafka.ts'
import { temporaryDir } from '../../support/temporary-dir.ts'
import { TokenServer } from '../../support/token-server.ts'

// Every run is a process of its own, which a machine with other work may take seconds to start.
vi.setConfig({ testTimeout: 90_000 })

/** What the process may take to start, on a machine with much other work. */
const START_MS = 10_000

const cluster = useAdminCluster()
const page = readFileSync(resolve(import.meta.dirname, '../../../docs/doctor.md'), 'utf8')

it('finds nothing wrong with one broker, and warns of what one cannot promise; makes every check there is', async () => {
  const topic = await makeTopic()
  const { code, findings, of, with: names } = await runDoctor({}, ['--strict'])
  expect(names('problem')).toEqual([])
  expect(code).toBe(6)
  expect(of('brokers')).toMatchObject([{ status: 'warning', seen: expect.stringMatching(/^1 broker:/) }])
  expect(of('bootstrap')).toMatchObject([{ status: 'ok', subject: brokers() }])
  expect(of('versions')).toMatchObject([{ status: 'ok', seen: expect.stringMatching(/^Kafka 4\.\d/) }])
  expect(of('clock')).toMatchObject([{ status: 'ok', seen: expect.stringMatching(/clock is/) }])
  expect(names('ok')).toEqual(expect.arrayContaining(['may-write', 'may-read', 'partitions', 'topics']))
  expect(topic).toBeDefined()
  // Each is in the page, and no other is.
  const documented = [...page.matchAll(/^\| `([a-z-]+)` +\|/gm)].map(([, name]) => name)
  expect([...new Set(findings.map(({ check }) => check))]).toEqual(documented)
  for (const { status, fix, check } of findings)
    if (status === 'warning' || status === 'problem') expect(fix, check).toMatch(/\S.*\.$/)

  const except = names('warning').flatMap((check) => ['--except', check])
  const less = await runDoctor({}, ['--strict', ...except])
  expect(less.code).toBe(0)
  expect(less.of('brokers')).toEqual([])
})

it('prints lines for people, those that matter alone with --quiet, and knows its own options', async () => {
  const cli = new Cli({ url: 'http://127.0.0.1:1' })
  const env = { KAFKA_BROKERS: `127.0.0.1:${await freePort()}`, SLUICE_PORT: '0' }
  const all = await cli.run(['doctor'], { env })
  expect(all).toMatchObject({ code: 1, stderr: '' })
  expect(all.stdout).toMatch(/^Settings\n {2}ok +settings: /)
  expect(all.stdout).toMatch(
    / {2}PROBLEM {2}bootstrap: .*: TCP: nothing listens there\n +-> Correct KAFKA_BROKERS/,
  )
  expect(all.stdout).toMatch(/ {2}- +brokers, versions, .*: no broker let the gateway in\n/)
  expect(all.stdout).toMatch(/\n1 problem, \d warnings?, \d+ fine, \d+ not looked at\.\n$/)
  const quiet = await cli.run(['doctor', '-q'], { env })
  expect(quiet.stdout).toContain('PROBLEM')
  expect(quiet.stdout).not.toMatch(/ {2}(ok|-) /)
  const unknown = await cli.run(['doctor', '--except', 'everything'], { env })
  expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining('there is no such check') })
})

it('says of each address how far the gateway comes, within a bounded time, and goes on by those that answer', async () => {
  const silent = await silentKafka()
  const closed = `127.0.0.1:${await freePort()}`
  const since = performance.now()
  const { code, of } = await runDoctor({
    KAFKA_BROKERS: ['kafka.invalid:9092', closed, silent, cluster.bootstrap].join(','),
  })
  expect(performance.now() - since).toBeLessThan(15_000 + START_MS)
  expect(code).toBe(1)
  expect(of('bootstrap').map(({ status, seen }) => `${status} ${seen}`)).toEqual([
    'problem name: there is no such host',
    'problem TCP: nothing listens there',
    'problem login: no answer in time',
    ...Array<string>(3).fill('ok TCP; no login'),
  ])
  expect(of('brokers')).toMatchObject([{ status: 'ok', seen: '3 brokers, all in service' }])
  expect(of('versions')).toMatchObject([{ status: 'ok' }])
  // Whoever makes a topic there without a word gets one replica.
  expect(of('new-topics')).toMatchObject([
    { status: 'warning', fix: expect.stringContaining('default.replication.factor=3') },
    { status: 'warning', fix: expect.stringContaining('min.insync.replicas=2') },
  ])
})

it('names topics of a cluster that cannot keep what they are told, and those nothing can be written to', async () => {
  const make = (replicationFactor: number, inSync: number) =>
    makeTopic(
      {
        name: uniqueName('a-doctor'),
        replicationFactor,
        configs: {
          'min.insync.replicas': String(inSync),
          'unclean.leader.election.enable': String(inSync === 3),
        },
      },
      cluster.bootstrap,
    )
  const [, alone, brittle, blocked] = [await make(3, 2), await make(1, 1), await make(3, 3), await make(2, 3)]
  const { code, of } = await runDoctor({ KAFKA_BROKERS: cluster.bootstrap.split(',')[0]! })
  const seen = of('topics').map(({ status, seen: text }) => `${status} ${text}`)
  const naming = (start: string) =>
    seen.find((text) => text.startsWith(start) && /\d+ of \d+ with/.test(text))
  expect(seen.find((text) => text.includes('above the number of replicas'))).toContain(blocked)
  expect(naming('problem')).toBeDefined()
  expect(seen.join('\n')).toMatch(/warning \d+ of \d+ with fewer than 3 replicas/)
  expect(seen.join('\n')).toMatch(/warning \d+ of \d+ with min\.insync\.replicas as high as/)
  expect(of('partitions').find(({ status }) => status === 'problem')?.seen).toContain(`${blocked}-0`)
  expect(of('unclean-elections')).toMatchObject([{ status: 'warning' }])
  expect([alone, brittle].every((topic) => topic !== undefined)).toBe(true)
  expect(code).toBe(1)
  // The others are where the first one says, and can be reached there.
  expect(of('advertised')).toHaveLength(2)
  expect(of('advertised').every(({ status }) => status === 'ok')).toBe(true)
})

it('says all that is wrong with settings and files at once, looks at Kafka all the same, and shows no secret', async () => {
  const dir = temporaryDir()
  const inFile = (name: string, text: string, mode = 0o600) => {
    writeFileSync(join(dir, name), text, { mode })
    chmodSync(join(dir, name), mode)
    return join(dir, name)
  }
  const authority = new TestAuthority()
  const [own, other] = [authority.issue('own', { san: 'DNS:gateway.example' }), authority.issue('other')]
  const {
    code,
    of,
    text,
    with: names,
  } = await runDoctor({
    SLUICE_PROT: '8080',
    SLUICE_WORKERS: 'many-secret',
    SLUICE_SECRET: 'short-secret',
    SLUICE_API_KEYS_FILE: inFile('keys.json', '{"keys": [{"id": "A b"}]}', 0o644),
    SLUICE_POLICY_FILE: join(dir, 'no-such-policy.yaml'),
    SLUICE_TLS_CERT_FILE: own.cert,
    SLUICE_TLS_KEY_FILE: other.key,
    SLUICE_TLS_CLIENT_CA_FILE: inFile('ca.pem', 'no certificate'),
    SLUICE_HOST: 'elsewhere.example',
  })
  expect(code).toBe(1)
  expect(of('settings').map(({ subject }) => subject)).toEqual([
    'SLUICE_WORKERS',
    'SLUICE_SECRET',
    'SLUICE_PROT',
  ])
  expect(of('settings')[2]?.seen).toContain('did you mean SLUICE_PORT?')
  expect(of('keys-file').length).toBeGreaterThan(1)
  expect(of('policy-file')).toMatchObject([{ status: 'problem', seen: 'there is no such file' }])
  expect(of('secret-files')).toMatchObject([
    { status: 'warning', subject: expect.stringContaining('keys.json') },
  ])
  expect(of('listener-certificate').map(({ status, seen }) => `${status} ${seen}`)).toEqual([
    'problem the key is not that of the certificate',
    expect.stringMatching(/^warning valid until .*, for gateway\.example; the certificate ends in \d days?$/),
    'warning it is not for elsewhere.example (SLUICE_HOST)',
    'problem it does not hold PEM certificates',
  ])
  expect(names('skipped')).toEqual(expect.arrayContaining(['exposure', 'port', 'memory']))
  expect(of('bootstrap')).toMatchObject([{ status: 'ok' }])
  expect(text).not.toMatch(/many-secret|short-secret|PRIVATE KEY/)
})

it('says of files that it may not read, that have ended, or that cannot be made', async () => {
  const authority = new TestAuthority()
  const expired = authority.issue('expired', { days: 0 })
  const { env, writeKeys } = authFiles('rules: []', ['old', 'new'])
  writeKeys((key) =>
    key.id === 'new' ? key : { ...key, secrets: [{ ...key.secrets[0]!, expiresAt: '2020-01-01T00:00:00Z' }] },
  )
  const { code, of } = await runDoctor({
    ...env,
    SLUICE_TLS_CERT_FILE: expired.cert,
    SLUICE_TLS_KEY_FILE: expired.key,
    SLUICE_AUDIT_LOG: join(temporaryDir(), 'no-such-folder', 'audit.ndjson'),
    KAFKA_TLS: 'true',
    KAFKA_TLS_CERT_FILE: expired.cert,
    KAFKA_TLS_KEY_FILE: expired.key,
    KAFKA_BROKERS: brokers(),
  })
  expect(code).toBe(1)
  expect(of('settings')).toMatchObject([{ status: 'ok' }])
  expect(of('listener-certificate')).toMatchObject([
    { status: 'problem', seen: expect.stringContaining('expired') },
  ])
  expect(of('kafka-certificate')).toMatchObject([
    { status: 'problem', seen: expect.stringContaining('expired') },
  ])
  expect(of('keys-file')).toMatchObject([{ status: 'warning', seen: '2 keys; old ended' }])
  expect(of('policy-file')).toMatchObject([{ status: 'warning' }])
  expect(of('audit-log')).toMatchObject([{ status: 'problem', seen: 'it is not there and can not be made' }])
  // The broker speaks no TLS.
  expect(of('bootstrap')).toMatchObject([
    {
      status: 'problem',
      seen: expect.stringMatching(/^TLS: /),
      fix: expect.stringContaining('KAFKA_TLS=false'),
    },
  ])
})

it('knows a gateway that listens already, one that is not ready, and something else on the port', async () => {
  const gateway = await startTestGateway({ SLUICE_METRICS_PORT: '0' })
  const troubled = await startTestGateway({ KAFKA_BROKERS: '127.0.0.1:1' })
  const other = createServer((socket) => socket.end('220 mail.example\r\n')).listen(0, '127.0.0.1')
  onTestFinished(() => void other.close())
  await once(other, 'listening')
  const only = ['bootstrap', 'memory'].flatMap((check) => ['--except', check])
  const at = async (url: string, metricsUrl = url) => {
    const env = { SLUICE_PORT: new URL(url).port, SLUICE_METRICS_PORT: new URL(metricsUrl).port }
    const { of } = await runDoctor(env, only)
    return [...of('port'), ...of('metrics-port')].map(({ status, seen }) => `${status} ${seen}`)
  }
  const mail = `http://127.0.0.1:${(other.address() as AddressInfo).port}`
  const [ready, unready, taken] = await Promise.all([
    at(gateway.url, gateway.metricsUrl),
    at(troubled.url, mail),
    at(mail),
  ])
  expect(ready).toEqual(['ok a gateway listens there, and is ready', 'ok a gateway serves its metrics there'])
  expect(unready).toEqual([
    expect.stringMatching(/^problem a gateway listens there and is not ready: .*\(kafka_unavailable\)$/),
    'problem something else than a gateway listens there',
  ])
  expect(taken[0]).toBe('problem something else than a gateway listens there')
})

it('looks at the identity provider, its clock, and where traces go', async () => {
  const tokens = await TokenServer.start()
  onTestFinished(() => tokens.stop())
  const late = createHttpServer((_, response) => {
    const date = new Date(Date.now() - 300_000).toUTCString()
    response.writeHead(200, { date }).end('{"keys": [{"kty": "EC"}]}')
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void late.close())
  await once(late, 'listening')
  const collector = await OtlpReceiver.start()
  const { env } = authFiles("rules: [{ to: ['*'], allow: [all], topics: ['*'] }]", [])
  const look = async (jwks: string, otlp: string, issuer = 'https://login.example') => {
    const { of, text } = await runDoctor({
      ...env,
      SLUICE_JWT_ISSUERS: issuer,
      SLUICE_JWT_AUDIENCE: 'sluice',
      ...(jwks && { SLUICE_JWT_JWKS_URL: jwks }),
      OTEL_EXPORTER_OTLP_ENDPOINT: otlp,
    })
    expect(text).not.toContain('pass-word')
    return [...of('identity-provider'), ...of('traces')].map(({ status, seen }) => `${status} ${seen}`)
  }
  const gone = `http://127.0.0.1:${await freePort()}`
  const slow = `http://127.0.0.1:${(late.address() as AddressInfo).port}`
  const [fine, behind, none] = await Promise.all([
    look(tokens.keysUrl, collector.url),
    look(`${slow}/keys?user=pass-word`, `http://user:pass-word@${gone.slice(7)}`),
    look('', gone, gone),
  ])
  expect(fine[0]).toBe(`ok 1 key at ${tokens.keysUrl}`)
  expect(fine.at(-1)).toBe('ok takes spans')
  expect(behind[1]).toMatch(
    /^problem the provider's clock is 300\.\d s|^problem the provider's clock is 29\d\.\d s/,
  )
  expect(behind.at(-1)).toMatch(/^warning does not answer \(ECONNREFUSED\)$/)
  expect(none[0]).toMatch(/^problem .* does not answer \(ECONNREFUSED\): no token can be checked$/)
})
