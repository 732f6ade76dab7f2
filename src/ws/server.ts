import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { randomUUID } from 'node:crypto'
import { WebSocketServer } from 'ws'
import type { Deps } from '../deps.ts'
import { Problem } from '../problem.ts'
import { isAllowedOrigin } from './origin.ts'
import { Session } from './session.ts'
import { subscriptionFromQuery } from './subscription-options.ts'

export const WS_PATH = '/v1/ws'
export const SUBPROTOCOL = 'sluice.v1'

/** The WebSocket side of the gateway. */
export interface WsServer {
  /** For the HTTP server's `upgrade` event. */
  upgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer): void
  readonly streams: number
  /** Sends every client elsewhere; resolves when all are gone and their groups left, or after `deadlineMs`. */
  drain(deadlineMs: number): Promise<void>
}

export function createWsServer(deps: Deps): WsServer {
  const { limits } = deps.config
  const sessions = new Set<Session>()
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    // Compression would hold a window of memory per socket and open the door to bombs.
    perMessageDeflate: false,
    maxPayload: limits.wsMaxMessageBytes,
    // A message in thousands of fragments that never ends costs many times its size.
    ...{ maxFragments: 64, maxBufferedChunks: 1_024 },
    handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
  })
  // What is wrong with the handshake itself (version, key, method), by RFC 6455.
  server.on('wsClientError', (error, socket, incoming) => {
    const isUpgrade = incoming.method === 'GET' && !/version/i.test(error.message)
    refuse(
      socket,
      new Problem(isUpgrade ? 'bad_request' : 'upgrade_required', { detail: `${error.message}.` }),
    )
  })

  return {
    get streams() {
      return sessions.size
    },
    upgrade(incoming, socket, head) {
      socket.on('error', () => {})
      const requestId = randomUUID()
      const url = new URL(incoming.url ?? '/', 'http://gateway')
      try {
        admit(incoming, url.pathname)
      } catch (error) {
        refuse(
          socket,
          error instanceof Problem ? error : new Problem('internal_error', { cause: error }),
          requestId,
        )
        return
      }
      server.handleUpgrade(incoming, socket, head, (ws) => {
        const session = new Session(deps, ws, requestId)
        sessions.add(session)
        void session.ended.then(() => sessions.delete(session))
        try {
          const options = subscriptionFromQuery(url.searchParams)
          if (options !== undefined) session.subscribe(options)
        } catch (error) {
          session.fail(error)
        }
      })
    },
    async drain(deadlineMs) {
      const deadline = new Promise((resolve) => setTimeout(resolve, deadlineMs).unref())
      await Promise.race([Promise.all([...sessions].map((session) => session.drain(deadlineMs))), deadline])
    },
  }

  /** @throws Problem for what must be refused before there is a WebSocket */
  function admit(incoming: IncomingMessage, path: string): void {
    if (path !== WS_PATH)
      throw new Problem('no_such_route', { detail: `There is no WebSocket at ${path.slice(0, 100)}.` })
    if (deps.draining()) throw new Problem('shutting_down')
    const origin = incoming.headers.origin
    if (origin !== undefined && !isAllowedOrigin(origin, incoming.headers.host, deps.config.allowedOrigins)) {
      throw new Problem('origin_not_allowed')
    }
    const offered = incoming.headers['sec-websocket-protocol']
    if (offered !== undefined && !offered.split(',').some((name) => name.trim() === SUBPROTOCOL)) {
      throw new Problem('unsupported_subprotocol')
    }
    if (sessions.size >= limits.maxStreams) throw new Problem('too_many_streams', { retryAfter: 5 })
  }
}

/** Answers a request that will not become a WebSocket, as a problem document. */
function refuse(socket: Duplex, problem: Problem, requestId = '-'): void {
  const body = JSON.stringify(problem.toDocument(requestId))
  const headers: Record<string, string | number> = {
    connection: 'close',
    'content-type': 'application/problem+json',
    'content-length': Buffer.byteLength(body),
    ...(problem.code === 'upgrade_required' ? { upgrade: 'websocket', 'sec-websocket-version': '13' } : {}),
    ...(problem.options.retryAfter === undefined ? {} : { 'retry-after': problem.options.retryAfter }),
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.end(`HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\n${lines.join('')}\r\n${body}`)
}
