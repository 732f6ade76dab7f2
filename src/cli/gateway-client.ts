import { readFileSync } from 'node:fs'
import {
  type ClientRequest,
  type IncomingMessage,
  Agent as HttpAgent,
  request as httpRequest,
} from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { CommandError, exitCodes, GatewayError, type ProblemDocument, UsageError } from './errors.ts'

/** An answer that has not come by then does not come, ms: twice what the gateway itself gives Kafka. */
const ANSWER_MS = 40_000

export type Query = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>

export interface RequestOptions {
  readonly query?: Query
  /** Sent as JSON. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

export interface Answer<T> {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: T
}

/** The gateway that a command talks to, over HTTP. */
export class Gateway {
  readonly url: string
  readonly #base: URL
  readonly #agent: HttpAgent | HttpsAgent

  /** @throws UsageError where it is no URL of HTTP */
  constructor(url: string) {
    const base = URL.canParse(url) ? new URL(url) : undefined
    if (base === undefined || !/^https?:$/.test(base.protocol)) {
      throw new UsageError(`${url} is no URL of a gateway`, 'Give --url or SLUICE_URL as http://host:port.')
    }
    base.search = ''
    base.hash = ''
    if (!base.pathname.endsWith('/')) base.pathname += '/'
    this.#base = base
    this.url = base.href.replace(/\/$/, '')
    this.#agent =
      base.protocol === 'https:' ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true })
  }

  /** With every request, and with the handshake of a WebSocket: who asks, from SLUICE_TOKEN or the file SLUICE_TOKEN_FILE. */
  get headers(): Readonly<Record<string, string>> {
    return { 'user-agent': 'sluice-cli', ...authorization() }
  }

  /** The URL of a path, which begins with a slash. */
  href(path: string, query: Query = {}, protocol: 'http' | 'ws' = 'http'): URL {
    const url = new URL(path.slice(1), this.#base)
    if (protocol === 'ws') url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
    for (const [name, value] of Object.entries(query)) {
      if (value === undefined) continue
      for (const one of Array.isArray(value) ? (value as readonly string[]) : [value])
        url.searchParams.append(name, String(one))
    }
    return url
  }

  /**
   * Sends a request and reads its answer, JSON.
   * @throws GatewayError what the gateway refuses, with all of the problem
   * @throws CommandError where it cannot be reached
   */
  async json<T>(method: string, path: string, options: RequestOptions = {}): Promise<Answer<T>> {
    const { body, headers = {}, signal } = options
    const text = body === undefined ? undefined : JSON.stringify(body)
    const outgoing = this.open(method, path, {
      ...options,
      headers: {
        accept: 'application/json, application/problem+json',
        ...(text === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) }),
        ...headers,
      },
    })
    outgoing.setTimeout(ANSWER_MS, () => outgoing.destroy(new Error('no answer in time')))
    outgoing.end(text)
    const incoming = await this.answer(outgoing, signal)
    return {
      status: incoming.statusCode ?? 0,
      headers: incoming.headers,
      body: (await readJson(incoming)) as T,
    }
  }

  /** Opens a request whose body the caller writes; `answer` gives what comes back. */
  open(method: string, path: string, { query, headers, signal }: RequestOptions = {}): ClientRequest {
    const url = this.href(path, query)
    const request = url.protocol === 'https:' ? httpsRequest : httpRequest
    return request(url, {
      method,
      agent: this.#agent,
      headers: { ...this.headers, ...headers },
      ...(signal === undefined ? {} : { signal }),
    })
  }

  /**
   * The answer to a request, its body not read yet.
   * @throws GatewayError where it is a problem
   * @throws CommandError where the gateway cannot be reached
   */
  async answer(outgoing: ClientRequest, signal?: AbortSignal): Promise<IncomingMessage> {
    const incoming = await new Promise<IncomingMessage>((resolve, reject) => {
      outgoing.once('response', resolve)
      // Kept: a connection may also break while the answer is read, which its own stream tells.
      outgoing.on('error', reject)
    }).catch((error: NodeJS.ErrnoException) => {
      signal?.throwIfAborted()
      throw this.unreachable(error)
    })
    if ((incoming.statusCode ?? 0) < 400) return incoming
    const body = await readJson(incoming)
    if (!isProblem(body)) {
      throw new CommandError(
        exitCodes.failed,
        `${this.url} answered ${incoming.statusCode} and does not seem to be a Sluice gateway`,
        { hint: 'Check --url and SLUICE_URL.' },
      )
    }
    throw new GatewayError(body)
  }

  /** What to say where no connection comes about, or it breaks. */
  unreachable(error: NodeJS.ErrnoException): CommandError {
    const reasons: Readonly<Record<string, string>> = {
      ECONNREFUSED: 'nothing listens there',
      ENOTFOUND: 'there is no such host',
      EAI_AGAIN: 'the host name cannot be looked up just now',
      ECONNRESET: 'the connection broke off',
      EPIPE: 'the connection broke off',
      ETIMEDOUT: 'it does not answer',
      DEPTH_ZERO_SELF_SIGNED_CERT:
        'its certificate is self-signed: name its authority in NODE_EXTRA_CA_CERTS',
    }
    const reason = reasons[error.code ?? ''] ?? error.message
    const hint =
      error.code === 'ECONNREFUSED'
        ? 'Start one with `sluice up`, or name another with --url or SLUICE_URL.'
        : undefined
    return new CommandError(exitCodes.unavailable, `no gateway at ${this.url}: ${reason}`, { hint })
  }
}

/** @throws UsageError where the file can't be read */
function authorization(): { authorization?: string } {
  const { SLUICE_TOKEN: token, SLUICE_TOKEN_FILE: file } = process.env
  if (token) return { authorization: `Bearer ${token}` }
  if (!file) return {}
  try {
    return { authorization: `Bearer ${readFileSync(file, 'utf8').trim()}` }
  } catch {
    throw new UsageError(`SLUICE_TOKEN_FILE: ${file} can not be read`)
  }
}

function isProblem(body: unknown): body is ProblemDocument {
  return typeof body === 'object' && body !== null && 'code' in body && 'title' in body
}

/** The body as JSON; undefined where it is empty or something else. */
async function readJson(incoming: IncomingMessage): Promise<unknown> {
  const pieces: Buffer[] = []
  for await (const piece of incoming) pieces.push(piece as Buffer)
  try {
    return JSON.parse(Buffer.concat(pieces).toString('utf8')) as unknown
  } catch {
    return undefined
  }
}
