import { expect, it } from 'vitest'
import { authFiles } from '../support/auth.ts'
import { TestAuthority } from '../support/certificates.ts'
import { startTestGateway } from '../support/gateway.ts'
import { http } from '../support/http.ts'
import { makeTopic } from '../support/kafka.ts'
import { logLines } from '../support/log-lines.ts'
import { RawConnection, untilRefused } from '../support/raw-http.ts'
import { readAll } from '../support/read-all.ts'
import { connect } from '../support/ws.ts'

const patient = { SLUICE_SHUTDOWN_TIMEOUT_MS: '10000' }

it('a gateway told to stop is not ready, and serves new connections until load balancers had time to notice', async () => {
  const gateway = await startTestGateway(patient)
  const topic = await makeTopic()
  const before = new RawConnection(gateway).sendHead('GET /startupz HTTP/1.1')
  expect((await before.answer()).headers.connection).not.toBe('close')
  const stopped = gateway.stop({ delayMs: 3_000 })

  const ask = (path: string) => new RawConnection(gateway).sendHead(`GET ${path} HTTP/1.1`).answer()
  const socket = connect(gateway, { topics: topic })
  const answers = await Promise.all(['/readyz', '/healthz', '/startupz'].map(ask))
  expect(answers.map(({ status }) => status)).toEqual([503, 200, 200])
  expect(answers.map(({ headers }) => headers.connection)).toEqual(['close', 'close', 'close'])
  expect(answers[0]!.json).toMatchObject({ code: 'shutting_down' })
  expect((await http(gateway).post(`/v1/topics/${topic}/records`, { value: 1 })).status).toBe(200)
  await socket.frame('assigned')
  // Streams are told when nobody is sent here any more, so that they come back elsewhere.
  expect(socket.all('draining')).toEqual([])

  await untilRefused(gateway)
  before.sendHead(`GET /v1/topics/${topic}/records HTTP/1.1`)
  expect(await before.answer()).toMatchObject({ status: 200, headers: { connection: 'close' } })
  expect(await socket.closed).toMatchObject({ code: 4503 })
  await stopped
}, 30_000)

it('what is under way is answered, and says that it is the last on its connection', async () => {
  const gateway = await startTestGateway(patient)
  const topic = await makeTopic()
  const body = JSON.stringify({ value: 'slow' })
  const head = ['Content-Type: application/json', `Content-Length: ${body.length}`]
  const slow = new RawConnection(gateway)
    .sendHead(`POST /v1/topics/${topic}/records HTTP/1.1`, ...head)
    .send(body.slice(0, 5))
  const poll = new RawConnection(gateway).sendHead(
    `GET /v1/topics/${topic}/records?from=latest&wait=30000 HTTP/1.1`,
  )
  const transaction = JSON.stringify({ records: [{ topic, value: 'all' }] })
  const atomic = new RawConnection(gateway)
    .sendHead(
      'POST /v1/transactions HTTP/1.1',
      'Content-Type: application/json',
      `Content-Length: ${transaction.length}`,
    )
    .send(transaction)
  expect((await http(gateway).get('/readyz')).status).toBe(200)
  const began = performance.now()
  const stopped = gateway.stop()
  await untilRefused(gateway)
  slow.send(body.slice(5))
  for (const connection of [slow, poll, atomic])
    expect(await connection.answer()).toMatchObject({ status: 200, headers: { connection: 'close' } })
  await stopped
  expect(performance.now() - began).toBeLessThan(8_000)
  expect((await readAll(topic)).map(({ value }) => String(value)).sort()).toEqual(['all', 'slow'])
}, 30_000)

it('what is sent behind the last answer of a connection is not done, since nobody would be told', async () => {
  const gateway = await startTestGateway(patient)
  const topic = await makeTopic()
  const body = (value: string) => JSON.stringify({ value })
  const post = (connection: RawConnection, value: string) =>
    connection
      .sendHead(
        `POST /v1/topics/${topic}/records HTTP/1.1`,
        'Content-Type: application/json',
        `Content-Length: ${body(value).length}`,
      )
      .send(body(value))
  const [idle, polling] = [new RawConnection(gateway), new RawConnection(gateway)]
  expect((await post(idle, 'before').answer()).status).toBe(200)
  polling.sendHead(`GET /v1/topics/${topic}/records?from=latest&wait=30000 HTTP/1.1`)
  expect((await http(gateway).get('/readyz')).status).toBe(200)
  const stopped = gateway.stop()
  await untilRefused(gateway)
  for (const connection of [idle, polling]) connection.socket.cork()
  post(post(idle, 'last'), 'behind it')
  post(polling, 'behind a poll')
  for (const connection of [idle, polling]) {
    connection.socket.uncork()
    expect(await connection.answer()).toMatchObject({ status: 200, headers: { connection: 'close' } })
  }
  await stopped
  expect((await readAll(topic)).map(({ value }) => String(value))).toEqual(['before', 'last'])
}, 30_000)

it('no connection that sends nothing holds a shutdown up', async () => {
  const authority = new TestAuthority()
  const { cert, key } = authority.issue('gateway')
  const plain = await startTestGateway(patient)
  const tls = await startTestGateway({
    SLUICE_SHUTDOWN_TIMEOUT_MS: '1000',
    SLUICE_TLS_CERT_FILE: cert,
    SLUICE_TLS_KEY_FILE: key,
  })
  const silent = [plain, tls].map((gateway) => new RawConnection(gateway))
  await Promise.all(silent.map(({ socket }) => new Promise((resolve) => socket.once('connect', resolve))))
  const began = performance.now()
  await Promise.all([plain.stop(), tls.stop()])
  expect(performance.now() - began).toBeLessThan(6_000)
}, 30_000)

it('SIGHUP has every file looked at, and the log says what was taken up', async () => {
  const { log, lines } = logLines()
  const auth = authFiles('rules: []', ['a'])
  const gateway = await startTestGateway(auth.env, { log })
  const { SLUICE_POLICY_FILE: policy, SLUICE_API_KEYS_FILE: keys } = auth.env
  const reloaded = () => {
    gateway.reload()
    return lines.at(-1)
  }
  const msg = 'looked at every file again'
  expect(reloaded()).toMatchObject({ msg, taken: [], refused: [], unchanged: [policy, keys] })
  auth.writePolicy('rules: [{ to: [anonymous], allow: [describe], topics: [orders] }]')
  expect(reloaded()).toMatchObject({ msg, taken: [policy], refused: [], unchanged: [keys] })
  auth.writePolicy('rules: 7')
  expect(reloaded()).toMatchObject({ msg, taken: [], refused: [policy], unchanged: [keys] })
  expect(reloaded()).toMatchObject({ msg, taken: [], refused: [policy] })
  auth.writePolicy('rules: []')
  expect(reloaded()).toMatchObject({ msg, taken: [policy], refused: [] })
})
