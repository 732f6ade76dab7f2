import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { authFiles } from '../../support/auth.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { makeTopic, uniqueName } from '../../support/kafka.ts'
import { type RawAnswer, RawConnection } from '../../support/raw-http.ts'
import { temporaryDir } from '../../support/temporary-dir.ts'

async function setUp() {
  const [a, b] = [uniqueName('a-'), uniqueName('b-')]
  const own = await makeTopic({ name: `${a}own` })
  const auth = authFiles(
    `rules: [{ to: [key:a], allow: [all], topics: ['${a}*'], groups: ['${a}*'] }, { to: [key:b], allow: [all], topics: ['${b}*'], groups: ['${b}*'] }]`,
    ['a', 'b'],
  )
  const audit = join(temporaryDir(), 'audit.ndjson')
  const env = { ...auth.env, SLUICE_AUDIT_LOG: audit, SLUICE_FAILED_LOGINS: '5' }
  const gateway = await startTestGateway(env)
  /** One request on a connection, of tenant a where nothing else is said. */
  const send = (
    to: RawConnection,
    line: string,
    { key = auth.keys.a!, body = '', headers = [] }: Asking = {},
  ) => {
    const credentials = key === '' ? [] : [`Authorization: Bearer ${key}`]
    const type = body === '' ? [] : ['Content-Type: application/json']
    const length = `Content-Length: ${body.length}`
    return to.sendHead(`${line} HTTP/1.1`, ...credentials, ...type, ...headers, length).send(body)
  }
  const connect = () => new RawConnection(gateway)
  const ask = (line: string, asking?: Asking) => send(connect(), line, asking).answer()
  return { a, b, own, auth, audit, send, connect, ask }
}

interface Asking {
  /** None where it is empty. */
  readonly key?: string
  readonly body?: string
  readonly headers?: readonly string[]
}

/** All of an answer but what differs between any two. */
function plain({ status, headers, body }: RawAnswer, name: string): string {
  const own = { ...headers, date: '', 'x-request-id': '' }
  return JSON.stringify({ status, own, body })
    .replaceAll(name, 'NAME')
    .replaceAll(headers['x-request-id']!, 'ID')
}

it('a refusal is the same, byte by byte, whether what was asked for is there or not', async () => {
  const { a, b, ask } = await setUp()
  // One that is there and one that is not, of the same length.
  const [there, missing] = [await makeTopic({ name: `${b}there` }), `${b}never`]
  const lines = (name: string): [string, Asking?][] => [
    [`GET /v1/topics/${name}`],
    [`DELETE /v1/topics/${name}`],
    [`PATCH /v1/topics/${name}`, { body: '{"partitions":99}' }],
    [`GET /v1/topics/${name}`, { headers: ['If-None-Match: *', 'Range: bytes=0-1'] }],
    [`GET /v1/topics/${name}/records?from=earliest`],
    [`GET /v1/topics/${name}/records?from=nonsense`],
    [`GET /v1/topics/${name}/partitions/99/records/0`],
    [`POST /v1/topics/${name}/records`, { body: '{"value":1}' }],
    [`POST /v1/topics/${name}/records`, { body: '{broken' }],
    [`POST /v1/topics/${name}/producers`],
    ['POST /v1/transactions', { body: JSON.stringify({ records: [{ topic: name, value: 1 }] }) }],
    ['POST /v1/topics', { body: JSON.stringify({ name, validateOnly: true }) }],
    [`GET /v1/groups/${name}`],
    [
      `PUT /v1/groups/${a}g/offsets`,
      { body: JSON.stringify({ to: 'latest', topics: [name], dryRun: true }) },
    ],
  ]
  const [known, unknown] = [lines(there), lines(missing)]
  for (const [i, request] of known.entries()) {
    const [one, other] = [await ask(...request), await ask(...unknown[i]!)]
    expect(one.status, request[0]).toBe(403)
    expect(plain(one, there), request[0]).toBe(plain(other, missing))
  }
})

it('no name that only looks like one of a prefix is taken for one', async () => {
  const { a, b, ask } = await setUp()
  const names = [
    `${a}%2f..%2f${b}x`,
    '%D0%B0-x',
    '%EF%BD%81-x',
    '%2561-x',
    `${a}%00`,
    `${a}%0d%0ax`,
    `../${a}x`,
  ]
  for (const name of names) {
    const { status } = await ask(`POST /v1/topics/${name}/records`, { body: '{"value":1}' })
    expect([400, 403, 404, 422], name).toContain(status)
  }
})

it('no header stands for the method or the target', async () => {
  const { own, ask } = await setUp()
  for (const name of ['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Original-URL', 'X-Rewrite-URL']) {
    const value = name.endsWith('URL') ? '/v1/topics' : 'DELETE'
    const { status, json } = await ask(`GET /v1/topics/${own}`, { headers: [`${name}: ${value}`] })
    expect([status, json.name], name).toEqual([200, own])
  }
})

it('what is refused and what is not, on one connection at once, are answered each by its own credentials', async () => {
  const { own, b, auth, ask, send, connect } = await setUp()
  const connection = connect()
  const path = `/v1/topics/${own}/records`
  const body = '{"value":1}'
  send(connection, `POST ${path}`, { key: auth.keys.b!, body })
  send(connection, `POST ${path}`, { body })
  send(connection, `POST ${path}`, { key: '', body })
  send(connection, `GET /v1/topics/${b}none`, { key: auth.keys.b! })
  const answers = [
    await connection.answer(),
    await connection.answer(),
    await connection.answer(),
    await connection.answer(),
  ]
  expect(answers.map(({ status }) => status)).toEqual([403, 200, 401, 404])
  const { json } = await ask(`GET ${path}?from=earliest`)
  expect(json.records).toHaveLength(1)
})

it('each kind of refusal has its line in the audit log, and no line has a credential', async () => {
  const { own, b, auth, audit, ask } = await setUp()
  await ask(`GET /v1/topics/${own}`, { key: '' })
  await ask(`GET /v1/topics/${own}`, { key: `${auth.keys.a!.slice(0, -1)}_` })
  await ask(`GET /v1/topics/${b}x`)
  await ask(`GET /v1/topics/${own}?access_token=${auth.keys.a}`)
  await ask(`POST /v1/topics/${own}/records`, {
    body: '{"value":1}',
    headers: ['Origin: https://evil.example'],
  })
  for (let i = 0; i < 6; i++) await ask(`GET /v1/topics/${own}`, { key: `nonsense-${i}` })
  const codes = () => readFileSync(audit, 'utf8').match(/(?<="outcome":"denied","code":")\w+/g)
  for (const code of [
    'unauthenticated',
    'invalid_credentials',
    'forbidden',
    'credential_in_url',
    'origin_not_allowed',
    'too_many_failed_logins',
  ])
    await expect.poll(codes, { message: code }).toContain(code)
  const text = readFileSync(audit, 'utf8')
  for (const key of Object.values(auth.keys)) expect(text).not.toContain(key.slice(-20))
  expect(text).not.toContain('nonsense-')
})
