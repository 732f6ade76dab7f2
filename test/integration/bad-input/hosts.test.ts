import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { authFiles } from '../../support/auth.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { makeTopic } from '../../support/kafka.ts'
import { RawConnection } from '../../support/raw-http.ts'
import { RawClient } from '../../support/raw-ws.ts'
import { temporaryDir } from '../../support/temporary-dir.ts'

type At = { readonly url: string }

/** What a page of `host` gets whose name resolves to the gateway: to its browser it is of the gateway's own origin. */
async function page(gateway: At, host: string, request = 'GET /v1/topics', body = '') {
  const connection = new RawConnection(gateway)
  const head = [
    `${request} HTTP/1.1`,
    `Host: ${host}`,
    `Origin: http://${host}`,
    'Sec-Fetch-Site: same-origin',
  ]
  const lines = [...head, 'Content-Type: text/plain', `Content-Length: ${body.length}`, '', body]
  connection.send(lines.join('\r\n'))
  const { status, json, headers } = await connection.answer()
  return { status, code: json.code, cors: headers['access-control-allow-origin'] }
}

async function socket({ url }: At, host: string): Promise<number> {
  const headers = { host, origin: `http://${host}` }
  return (await new RawClient(url).handshake({ headers })).status
}

it('a page that a browser was lied to about (DNS rebinding) reaches nothing of a gateway without keys', async () => {
  const audit = join(temporaryDir(), 'audit.ndjson')
  const gateway = await startTestGateway({ SLUICE_AUDIT_LOG: audit })
  const topic = await makeTopic()
  const { port } = new URL(gateway.url)
  const evil = `evil.example:${port}`
  const refused = { status: 421, code: 'host_not_allowed', cors: undefined }
  expect(await page(gateway, evil)).toEqual(refused)
  expect(await page(gateway, evil, `POST /v1/topics/${topic}/records`, 'x')).toEqual(refused)
  expect(await page(gateway, evil, `OPTIONS /v1/topics/${topic}/records`)).toEqual(refused)
  expect(await page(gateway, `localhost.${evil}`)).toEqual(refused)
  expect(await socket(gateway, evil)).toBe(421)
  const denied = () => readFileSync(audit, 'utf8').match(/"outcome":"denied","code":"host_not_allowed"/g)
  await expect.poll(denied).toHaveLength(5)
  for (const host of ['localhost', `127.0.0.1:${port}`, `[::1]:${port}`, `app.localhost:${port}`]) {
    expect(await page(gateway, host), host).toMatchObject({ status: 200 })
    expect(await socket(gateway, host), host).toBe(101)
  }
  // Health checks of old send none, browsers always do.
  const old = new RawConnection(gateway).send('GET /healthz HTTP/1.0\r\n\r\n')
  expect((await old.answer()).status).toBe(200)
})

it('a gateway goes by the names that SLUICE_ALLOWED_HOSTS lists, as behind a proxy', async () => {
  const gateway = await startTestGateway({ SLUICE_ALLOWED_HOSTS: 'kafka.example,.internal' })
  for (const host of ['kafka.example', 'kafka.example:8080', 'eu.gateway.internal']) {
    expect(await page(gateway, host), host).toMatchObject({ status: 200 })
    expect(await socket(gateway, host), host).toBe(101)
  }
  expect(await page(gateway, 'kafka.example.evil.example')).toMatchObject({ status: 421 })
})

it('a gateway that asks for keys goes by any name: a page has none to show', async () => {
  const auth = authFiles('rules: []', ['a'])
  const gateway = await startTestGateway(auth.env)
  expect(await page(gateway, 'kafka.example')).toMatchObject({ status: 401, code: 'unauthenticated' })
  expect(await socket(gateway, 'kafka.example')).toBe(401)
})
