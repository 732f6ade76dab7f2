import { createServer, type IncomingMessage, Server, STATUS_CODES, type ServerResponse } from 'node:http'
import { Server as TcpServer, type Socket } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import type { Limits } from './config.ts'
import { Problem, type ProblemCode } from './problem.ts'
import { assignRequestId } from './request-id.ts'

/** Longest that a client may take to send its headers, ms; longer is a slowloris. */
const HEADERS_TIMEOUT_MS = 10_000
/** And the whole request, body included. Waiting for the answer is not counted. */
const REQUEST_TIMEOUT_MS = 30_000
/** Idle connections are kept longer than load balancers keep theirs (60 s), so that they are the ones to close. */
const KEEP_ALIVE_MS = 65_000
/** How often the time-outs are looked at, ms. */
const CHECK_MS = 1_000
/** How long kept-alive clients may use to send what they were about to send when a drain begins, ms. */
const DRAIN_GRACE_MS = 1_000

/**
 * The HTTP server around the routes: limits on what a client may send, and answers for what never became a request.
 * While `draining`, every answer tells the client not to send another request on its connection.
 */
export function createHttpServer(
  fetch: Parameters<typeof getRequestListener>[0],
  limits: Limits,
  draining: () => boolean,
): Server {
  const server = createServer({
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: CHECK_MS,
  })
  server.maxConnections = limits.maxConnections
  const listener = getRequestListener(fetch)
  server.on('request', (incoming: IncomingMessage, outgoing: ServerResponse) => {
    assignRequestId(incoming, outgoing)
    if (draining()) outgoing.setHeader('connection', 'close')
    void listener(incoming, outgoing)
  })
  server.on('clientError', answerClientError)
  return server
}

/**
 * Stops listening, serves what is on its way and what kept-alive connections send within a moment, then closes them.
 * Resolves when every connection is gone; those left at `deadlineMs` are cut.
 */
export async function drainHttpServer(server: Server, deadlineMs: number): Promise<void> {
  // Not http's own close(): it cuts idle connections at once, and with them the requests just sent on them.
  const closed = new Promise<void>((resolve) => TcpServer.prototype.close.call(server, () => resolve()))
  const grace = setTimeout(() => server.closeIdleConnections(), Math.min(DRAIN_GRACE_MS, deadlineMs / 2))
  const deadline = setTimeout(() => server.closeAllConnections(), deadlineMs)
  await closed
  clearTimeout(grace)
  clearTimeout(deadline)
  // Lets http's own close() clear the timer that checks its connections.
  Server.prototype.close.call(server)
}

/** Listens. @throws the listen error (EADDRINUSE, ...) where the port can't be had */
export async function listen(server: Server, host: string, port: number): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen(port, host, resolve)
  await promise
  server.removeListener('error', reject)
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('not listening on a TCP port')
  return `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`
}

const clientErrors: Record<string, ProblemCode> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'body_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
}

/** Bytes that never became a request: answered as a problem where the socket still takes one, and closed. */
function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy()
    return
  }
  const problem = new Problem(clientErrors[error.code ?? ''] ?? 'bad_request')
  const body = JSON.stringify(problem.toDocument('-'))
  socket.end(
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\ncontent-type: application/problem+json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  )
}
