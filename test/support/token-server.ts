import { generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'

/** The client that it knows, whose name and secret have what must be encoded. */
export const CLIENT = { id: 'gate:way', secret: 'client secret/%+' } as const

interface Asked {
  readonly authorization: string
  readonly form: URLSearchParams
}

/** What it does when it is asked for a token. */
type Manner = 'answers' | 'hangs up' | 'is silent' | 'is overloaded'

/** An OAuth 2.0 authorization server: a token endpoint for client credentials, and the keys that its tokens are checked with. */
export class TokenServer {
  readonly issuer: string
  readonly tokenUrl: string
  readonly keysUrl: string
  /** Requests for a token, in order. */
  readonly asked: Asked[] = []
  manner: Manner = 'answers'
  /** Of the tokens it gives, seconds. */
  lifetime = 600
  /** Whom they are for. */
  audience = 'kafka'
  readonly #server: Server
  readonly #keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  readonly #kid = randomUUID()

  private constructor(server: Server) {
    this.#server = server
    this.issuer = `http://127.0.0.1:${(server.address() as { port: number }).port}`
    this.tokenUrl = `${this.issuer}/token`
    this.keysUrl = `${this.issuer}/keys`
    server.on('request', (request, response) => void this.#answer(request, response))
  }

  static async start(): Promise<TokenServer> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new TokenServer(server)
  }

  /** A token that it would give, to whoever is called so. */
  token(sub = 'sluice'): string {
    const now = Math.floor(Date.now() / 1000)
    const header = part({ alg: 'ES256', kid: this.#kid })
    const claims = { iss: this.issuer, aud: this.audience, sub, iat: now, exp: now + this.lifetime }
    const signed = `${header}.${part({ ...claims, jti: randomUUID() })}`
    const key = { key: this.#keys.privateKey, dsaEncoding: 'ieee-p1363' } as const
    return `${signed}.${sign('sha256', Buffer.from(signed), key).toString('base64url')}`
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const json = (status: number, body: object) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    if (request.url === '/keys') {
      const key = this.#keys.publicKey.export({ format: 'jwk' })
      return void json(200, { keys: [{ ...key, kid: this.#kid, use: 'sig', alg: 'ES256' }] })
    }
    const { authorization = '' } = request.headers
    this.asked.push({ authorization, form: new URLSearchParams(await text(request)) })
    if (this.manner === 'hangs up') return void request.socket.destroy()
    if (this.manner === 'is silent') return
    if (this.manner === 'is overloaded') return void json(503, {})
    if (!isClient(authorization)) return void json(401, { error: 'invalid_client' })
    json(200, { access_token: this.token(), token_type: 'Bearer', expires_in: this.lifetime })
  }

  async stop(): Promise<void> {
    this.#server.close()
    this.#server.closeAllConnections()
    await once(this.#server, 'close')
  }
}

function part(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

/** RFC 6749, section 2.3.1: name and secret are form-encoded, then joined by a colon. */
function isClient(authorization: string): boolean {
  const [id, secret] = Buffer.from(authorization.replace('Basic ', ''), 'base64').toString().split(':')
  const decoded = (value = '') => new URLSearchParams(`v=${value}`).get('v')
  return decoded(id) === CLIENT.id && decoded(secret) === CLIENT.secret
}
