import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { type CryptoKey, exportJWK, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose'
import { describe, expect, it, onTestFinished } from 'vitest'
import { authFiles } from '../../support/auth.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { http } from '../../support/http.ts'
import { makeTopic } from '../../support/kafka.ts'

interface KeyPair {
  readonly kid: string
  readonly alg: string
  readonly privateKey: CryptoKey
  readonly publicKey: CryptoKey
}

async function keyPair(kid: string, alg = 'ES256'): Promise<KeyPair> {
  return { kid, alg, ...(await generateKeyPair(alg, { extractable: true })) }
}

/** An identity provider: discovery and keys over HTTP, which can be away. */
class Provider {
  readonly #server = createServer((request, response) => {
    this.asked++
    if (this.isAway) return void request.socket.destroy()
    const body =
      request.url === '/keys'
        ? { keys: this.#keys }
        : { issuer: this.issuer, jwks_uri: `${this.issuer}/keys` }
    response.setHeader('content-type', 'application/json').end(JSON.stringify(body))
  })
  #keys: object[] = []
  isAway = false
  asked = 0

  async start(...keys: KeyPair[]): Promise<this> {
    await this.publish(...keys)
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    onTestFinished(() => {
      this.#server.closeAllConnections()
      this.#server.close()
    })
    return this
  }

  async publish(...keys: KeyPair[]): Promise<void> {
    this.#keys = await Promise.all(
      keys.map(async ({ kid, alg, publicKey }) => ({
        ...(await exportJWK(publicKey)),
        kid,
        alg,
        use: 'sig',
      })),
    )
  }

  get issuer(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** A token that is good; what is given replaces its claims, undefined takes one away. */
  async token(
    { kid, alg, privateKey }: KeyPair,
    claims: JWTPayload = {},
    header: object = {},
  ): Promise<string> {
    const now = Math.floor(Date.now() / 1_000)
    const payload = {
      iss: this.issuer,
      aud: 'sluice',
      sub: 'ann',
      exp: now + 300,
      roles: ['reader'],
      ...claims,
    }
    return new SignJWT(payload).setProtectedHeader({ alg, kid, ...header }).sign(privateKey)
  }
}

async function setUp(env: Record<string, string> = {}) {
  const pair = await keyPair('one')
  const provider = await new Provider().start(pair)
  const topic = await makeTopic()
  const auth = authFiles(
    `rules: [{ to: [role:reader, user:bob], allow: [consume], topics: ['${topic}'] }]`,
    [],
  )
  const gateway = await startTestGateway({
    ...auth.env,
    SLUICE_JWT_ISSUERS: provider.issuer,
    SLUICE_JWT_AUDIENCE: 'sluice',
    SLUICE_FAILED_LOGINS: '1000',
    ...env,
  })
  const client = http(gateway)
  const ask = async (token: string) => {
    const answer = await client.get(`/v1/topics/${topic}`, { headers: { authorization: `Bearer ${token}` } })
    return { status: answer.status, code: (answer.json as { code?: string }).code }
  }
  return { pair, provider, ask }
}

const served = { status: 200, code: undefined }
const refused = { status: 401, code: 'invalid_credentials' }

describe('a JSON Web Token', () => {
  it('of the provider says who one is, by its subject and its roles', async () => {
    const { pair, provider, ask } = await setUp()
    expect(await ask(await provider.token(pair))).toEqual(served)
    expect(await ask(await provider.token(pair, { sub: 'bob', roles: [] }))).toEqual(served)
    expect(await ask(await provider.token(pair, {}, { typ: 'at+jwt' }))).toEqual(served)
    expect(await ask(await provider.token(pair, { roles: 'other' }))).toEqual({
      status: 403,
      code: 'forbidden',
    })
  })

  it('is refused where anything about it does not hold', async () => {
    const { pair, provider, ask } = await setUp()
    const stranger = await keyPair('one')
    const secret = new TextEncoder().encode(JSON.stringify(await exportJWK(pair.publicKey)))
    const now = Math.floor(Date.now() / 1_000)
    const claims = { iss: provider.issuer, aud: 'sluice', sub: 'ann', exp: now + 300, roles: ['reader'] }
    const good = await provider.token(pair)
    const [head = '', body = '', signature = ''] = good.split('.')
    const tampered = Buffer.from(JSON.stringify({ ...claims, sub: 'bob' })).toString('base64url')
    const tokens: Record<string, string> = {
      unsigned: new UnsecuredJWT(claims).encode(),
      'signed with the public key as a secret': await new SignJWT(claims)
        .setProtectedHeader({ alg: 'HS256', kid: 'one' })
        .sign(secret),
      "signed with a stranger's key": await provider.token(stranger),
      'with the key in its header': await provider.token(
        stranger,
        {},
        { jwk: await exportJWK(stranger.publicKey) },
      ),
      'with a URL of keys in its header': await provider.token(
        stranger,
        {},
        { jku: `${provider.issuer}/evil` },
      ),
      'of an unknown key id': await provider.token({ ...stranger, kid: '../../etc/passwd' }),
      'of another issuer': await provider.token(pair, { iss: 'http://evil.example' }),
      'for another audience': await provider.token(pair, { aud: 'other' }),
      expired: await provider.token(pair, { exp: now - 60 }),
      'not yet good': await provider.token(pair, { nbf: now + 120 }),
      'without an expiry': await provider.token(pair, { exp: undefined as unknown as number }),
      'without a subject': await provider.token(pair, { sub: undefined as unknown as string }),
      'with a subject that breaks lines': await provider.token(pair, { sub: 'a\nb' }),
      'of a type of its own': await provider.token(pair, {}, { typ: 'logout+jwt' }),
      'with other claims than were signed': `${head}.${tampered}.${signature}`,
      'with another signature': `${head}.${body}.${signature.slice(0, -4)}AAAA`,
      'far too long': await provider.token(pair, { pad: 'x'.repeat(9_000) }),
    }
    for (const [name, token] of Object.entries(tokens)) expect(await ask(token), name).toEqual(refused)
    expect(await ask(good)).toEqual(served)
  })

  it('goes on to count while the provider is away', async () => {
    const { pair, provider, ask } = await setUp()
    expect(await ask(await provider.token(pair))).toEqual(served)
    provider.isAway = true
    expect(await ask(await provider.token(pair, { sub: 'another' }))).toEqual(served)
  })

  it('can not be checked where the provider was never there; once it is, it can', async () => {
    const { pair, provider, ask } = await setUp()
    provider.isAway = true
    const waits = { status: 503, code: 'auth_unavailable' }
    const before = provider.asked
    for (let i = 0; i < 20; i++) expect(await ask(await provider.token(pair))).toEqual(waits)
    // Nor is it asked for each, though it is away.
    expect(provider.asked - before).toBeLessThanOrEqual(5)
    const forged = new UnsecuredJWT({ iss: provider.issuer, aud: 'sluice', sub: 'ann' }).encode()
    expect(await ask(forged), 'what no key makes good').toEqual(refused)
    provider.isAway = false
    await expect.poll(async () => ask(await provider.token(pair)), { timeout: 5_000 }).toEqual(served)
  })

  it('does not make the provider be asked for every invented key', async () => {
    const { pair, provider, ask } = await setUp()
    await ask(await provider.token(pair))
    const before = provider.asked
    for (let i = 0; i < 20; i++) await ask(await provider.token({ ...pair, kid: `invented-${i}` }))
    expect(provider.asked - before).toBeLessThanOrEqual(1)
  })

  it('may have its roles deep in its claims', async () => {
    const { pair, provider, ask } = await setUp({ SLUICE_JWT_ROLES_CLAIM: 'realm_access.roles' })
    const claims = { roles: undefined, realm_access: { roles: ['reader'] } }
    expect(await ask(await provider.token(pair, claims))).toEqual(served)
    expect(await ask(await provider.token(pair, { sub: 'x' }))).toEqual({ status: 403, code: 'forbidden' })
  })
})
