import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { fetchOAuthToken } from '../../../src/kafka/sasl/oauth-token.ts'
import { Secret } from '../../../src/config/secret.ts'
import { CLIENT, TokenServer } from '../../support/token-server.ts'

let server: TokenServer
beforeAll(async () => void (server = await TokenServer.start()))
afterAll(() => server.stop())

const client = (tokenUrl: string, secret: string = CLIENT.secret) => ({
  tokenUrl,
  clientId: CLIENT.id,
  clientSecret: Secret.of(secret),
})

/** The URL of something that is no authorization server. */
async function something(listener: RequestListener): Promise<string> {
  const other = createServer(listener)
  other.listen(0, '127.0.0.1')
  await once(other, 'listening')
  onTestFinished(() => {
    other.close()
    other.closeAllConnections()
  })
  return `http://127.0.0.1:${(other.address() as { port: number }).port}/token`
}

describe('a token for client credentials', () => {
  it('is asked for as RFC 6749 has it, name and secret encoded, and holds as long as is said', async () => {
    const token = await fetchOAuthToken({ ...client(server.tokenUrl), scope: 'kafka read' })
    expect(token).toMatchObject({
      lifetimeMs: 600_000,
      value: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
    })
    const { authorization, form } = server.asked.at(-1)!
    expect(Object.fromEntries(form)).toEqual({ grant_type: 'client_credentials', scope: 'kafka read' })
    const basic = Buffer.from(authorization.slice('Basic '.length), 'base64').toString()
    expect(basic).toBe('gate%3Away:client+secret%2F%25%2B')
  })

  it('holds as long as it says itself, where the answer does not', async () => {
    const value = server.token()
    const url = await something((_request, response) => response.end(JSON.stringify({ access_token: value })))
    const { lifetimeMs } = await fetchOAuthToken(client(url))
    expect(lifetimeMs).toBeGreaterThan(590_000)
    expect(lifetimeMs).toBeLessThanOrEqual(600_000)
  })

  it('is a refusal where the client is refused, with the code alone', async () => {
    const asking = fetchOAuthToken(client(server.tokenUrl, 'wrong'))
    await expect(asking).rejects.toMatchObject({
      name: 'LoginError',
      message: 'the token endpoint answered 401 invalid_client',
    })
  })

  const elsewhere = () => server.tokenUrl
  it.each<[string, () => string | Promise<string>, number?]>([
    ['is overloaded', () => ((server.manner = 'is overloaded'), elsewhere())],
    ['hangs up', () => ((server.manner = 'hangs up'), elsewhere())],
    ['is silent', () => ((server.manner = 'is silent'), elsewhere()), 100],
    ['is not there', () => 'http://127.0.0.1:1/token'],
    ['answers without end', () => something((_q, response) => void response.end('x'.repeat(100_000)))],
    ['has no token', () => something((_q, response) => void response.end('{"access_token": 1}'))],
    ['is no JSON', () => something((_q, response) => void response.end('<html>'))],
    [
      'sends elsewhere',
      () => something((_q, response) => void response.writeHead(307, { location: elsewhere() }).end()),
    ],
  ])('cannot be had now where the endpoint %s', async (_what, url, timeoutMs) => {
    onTestFinished(() => void (server.manner = 'answers'))
    const asking = fetchOAuthToken(client(await url()), timeoutMs)
    await expect(asking).rejects.toMatchObject({ name: 'Problem', code: 'kafka_unavailable' })
  })
})
