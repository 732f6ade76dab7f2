import { createServer, type IncomingMessage, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Socket, Server as TcpServer } from 'node:net'
import { Server as TlsServer } from 'node:tls'
import { getRequestListener } from '@hono/node-server'
import { Answer, type RequestObserver } from './answer.ts'
import { answerClientError, answerProblem } from './client-error.ts'
import type { Limits } from '../config/config.ts'
import type { ListenerCertificates } from './listener-certificates.ts'
import { isLingering, lingerWhereUnread } from './lingering-close.ts'
import { hasSaidLast, startedExchange } from './pending-answer.ts'
import type { Problem } from '../problems/problem.ts'
import { assignRequestId, requestIdOf } from './request-id.ts'
import { checkHeaderFields, normaliseTarget } from './request-target.ts'
import { asksForWebSocket } from '../ws/handshake.ts'

/** How long clients may take, ms. */
export interface HttpTimeouts {
  /** To send the headers; longer is a slowloris. */
  readonly headersMs: number
  /** To send the whole request, body included. Waiting for the answer is not counted. */
  readonly requestMs: number
  /** To send the next request. Longer than load balancers keep idle connections (60 s), so that they close them. */
  readonly keepAliveMs: number
  /** How often all this is looked at. */
  readonly checkMs: number
}

export const timeouts: HttpTimeouts = {
  headersMs: 10_000,
  requestMs: 30_000,
  keepAliveMs: 65_000,
  checkMs: 1_000,
}

/** How long nothing may come from a peer before TCP asks whether it is there, ms. */
const SILENT_MS = 30_000

/** The HTTP server around the routes: limits on what a client may send, and answers for what never became a request. */
export function createHttpServer(
  fetch: Parameters<typeof getRequestListener>[0],
  limits: Limits,
  observer: RequestObserver,
  { headersMs, requestMs, keepAliveMs, checkMs } = timeouts,
  certificates?: ListenerCertificates,
  allowedHosts: readonly string[] = ['*'],
): Server {
  const options = {
    ServerResponse: Answer,
    headersTimeout: headersMs,
    requestTimeout: requestMs,
    keepAliveTimeout: keepAliveMs,
    connectionsCheckingInterval: checkMs,
    // TCP asks a peer that has been silent, once a second then and ten times (libuv): one that is gone without a word is
    // noticed also where there is nothing to send to it, as on an NDJSON stream without new records.
    keepAlive: true,
    keepAliveInitialDelay: SILENT_MS,
    // Checked with the rest of the target, for an answer that says so.
    requireHostHeader: false,
    // Clients that would like HTTP/2 ask for it in passing (Upgrade: h2c) and take HTTP/1.1 for an answer.
    shouldUpgradeCallback: asksForWebSocket,
  }
  const server =
    certificates === undefined
      ? createServer(options)
      : createTlsServer({ ...options, ...certificates.current })
  certificates?.serve(server as TlsServer)
  server.maxConnections = limits.maxConnections
  // Node would leave out those past it without a word: checkHeaderFields refuses them.
  server.maxHeadersCount = 0
  const listener = getRequestListener(fetch)
  const connection = certificates === undefined ? 'connection' : 'secureConnection'
  server.on(connection, lingerWhereUnread)
  // Looked up while it is there: what is told of a request whose client is gone has it, too.
  for (const event of ['connection', 'secureConnection'])
    server.on(event, (socket: Socket) => void socket.remoteAddress)
  server.on('request', (incoming: IncomingMessage, outgoing: Answer) => {
    if (isLingering(incoming.socket) || hasSaidLast(incoming.socket)) return
    startedExchange(incoming, outgoing)
    assignRequestId(incoming, outgoing)
    observe(observer, incoming, outgoing)
    try {
      checkHeaderFields(incoming)
      normaliseTarget(incoming, allowedHosts)
    } catch (error) {
      outgoing.code = (error as Problem).code
      return answerProblem(outgoing, requestIdOf({ env: { outgoing } }), error as Problem)
    }
    void listener(incoming, outgoing)
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    const code = answerClientError(error, socket)
    if (code !== undefined) observer.refused(code)
  })
  return server
}

/** Tells of a request when it begins and, once, when it is over. */
function observe(observer: RequestObserver, incoming: IncomingMessage, answer: Answer): void {
  observer.began(incoming, answer)
  if (answer.socket !== null) {
    answer.once('close', () => observer.ended(incoming, answer))
    return
  }
  // An answer that waits for one before it on the connection is not told when that closes.
  const { socket } = incoming
  socket.setMaxListeners(0)
  const ended = () => {
    socket.removeListener('close', ended)
    answer.removeListener('close', ended)
    observer.ended(incoming, answer)
  }
  socket.once('close', ended)
  answer.once('close', ended)
}

/**
 * Listens; with `reusePort`, beside other processes that do so too (SO_REUSEPORT, where the system has it).
 * @throws the listen error (EADDRINUSE, ...) where the port can't be had
 */
export async function listen(
  server: TcpServer,
  host: string,
  port: number,
  reusePort = false,
): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen({ host, port, reusePort }, resolve)
  await promise
  server.removeListener('error', reject)
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('not listening on a TCP port')
  return `${server instanceof TlsServer ? 'https' : 'http'}://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`
}
