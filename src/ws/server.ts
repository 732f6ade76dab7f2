import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import { TICKET } from '../auth/credentials.ts'
import type { Deps } from '../deps.ts'
import { Problem } from '../problems/problem.ts'
import { CLOSE_TIMEOUT_MS } from './connection.ts'
import { admit, refuse, SUBPROTOCOL, urlOf } from './handshake.ts'
import { Places } from './places.ts'
import { ResumeTokens } from './resume-token.ts'
import { Session } from './session.ts'
import { SocketObserver } from './socket-observer.ts'
import { SocketShare } from './socket-share.ts'
import { subscriptionFromQuery } from './subscription-options.ts'

/** What TCP may always put in a packet over IPv4 (RFC 9293, section 3.7.1), bytes. */
const LEAST_PACKET_BYTES = 536

/** Most fragments of one message: each costs many times its size. */
export const MAX_FRAGMENTS = 64

/** The part of all streams that may be sockets which have not said yet who they are. */
export const UNKNOWN_SHARE = 0.25

/** The WebSocket side of the gateway. */
export interface WsServer {
  /** For the HTTP server's `upgrade` event. */
  upgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer): void
  readonly streams: number
  /** Sends every client elsewhere; resolves when all are gone and their groups left, or soon after `deadlineMs`. */
  drain(deadlineMs: number): Promise<void>
}

export function createWsServer(deps: Deps): WsServer {
  const { limits } = deps.config
  const sessions = new Set<Session>()
  /** Sockets that are still to say who they are. */
  let unknown = 0
  const { maxAway, maxGraceMs } = deps.config.group
  const places = new Places(new ResumeTokens(deps.secrets), { maxAway, maxGraceMs })
  const requestIds = new WeakMap<IncomingMessage, string>()
  const observers = new WeakMap<IncomingMessage, SocketObserver>()
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    // Compression would hold a window of memory per socket and open the door to bombs.
    perMessageDeflate: false,
    maxPayload: limits.wsMaxMessageBytes,
    ...{ maxFragments: MAX_FRAGMENTS, closeTimeout: CLOSE_TIMEOUT_MS },
    // So does one in tiny packets; but through the narrowest link the largest message has to get.
    ...{ maxBufferedChunks: Math.ceil(limits.wsMaxMessageBytes / LEAST_PACKET_BYTES) + 1_024 },
    handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
  })
  server.on('headers', (headers, incoming) => {
    headers.push(`X-Request-Id: ${requestIds.get(incoming)}`)
  })
  // What is wrong with a handshake past what admit() looks at: the key, the syntax of the subprotocols.
  server.on('wsClientError', (error, socket, incoming) => {
    const problem = new Problem('bad_request', { detail: `${error.message}.` })
    const requestId = requestIds.get(incoming) ?? randomUUID()
    observers.get(incoming)?.refused(problem)
    refuse(socket, problem, requestId)
  })

  return {
    get streams() {
      return sessions.size
    },
    upgrade(incoming, socket, head) {
      socket.on('error', () => {})
      const requestId = randomUUID()
      requestIds.set(incoming, requestId)
      const observer = new SocketObserver(deps, incoming, requestId)
      observers.set(incoming, observer)
      const refused = (error: unknown) => {
        const problem = error instanceof Problem ? error : new Problem('internal_error', { cause: error })
        observer.refused(problem)
        refuse(socket, problem, requestId)
      }
      try {
        const url = urlOf(incoming)
        admit(incoming, url.pathname, deps.config)
        if (deps.stopping.aborted) throw new Problem('shutting_down')
        deps.admission.requireCalm()
        deps.slots.check()
        const waiting = deps.guard.authenticate(incoming)
        if (waiting === undefined) open(incoming, socket, head, url, { requestId, observer })
        else waiting.then(() => open(incoming, socket, head, url, { requestId, observer })).catch(refused)
      } catch (error) {
        refused(error)
      }
    },
    async drain(deadlineMs) {
      const { promise: late, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, deadlineMs)
      const drained = Promise.all([...sessions].map((session) => session.drain(deadlineMs)))
      await Promise.race([drained, late])
      clearTimeout(timer)
      for (const session of sessions) session.terminate()
      await places.close()
    },
  }

  /** @throws Problem unauthenticated; rate_limited, too_many_streams_of_caller; shutting_down, too_many_streams where that came to be while it was found out who asks */
  function open(
    incoming: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    url: URL,
    { requestId, observer }: { readonly requestId: string; readonly observer: SocketObserver },
  ): void {
    const query = url.searchParams
    const byMessage = query.get('auth') === 'message'
    // Not of the subscription.
    if (byMessage) query.delete('auth')
    query.delete(TICKET)
    const { guard } = deps
    if (!guard.admitsAnonymous && !byMessage && !guard.callerOf(incoming).isKnown)
      throw guard.unauthenticated()
    if (deps.stopping.aborted) throw new Problem('shutting_down')
    deps.admission.admitHandshake(incoming)
    const allowance = deps.admission.allowanceOf(incoming)
    deps.slots.check(allowance)
    // Past this the socket is open, and what is wrong can only be told on it.
    if (!byMessage) deps.clients?.serve(guard.callerOf(incoming).principal).release()
    const isUnknown = guard.enabled && byMessage
    // Whoever shows nothing must not take the places of those who do.
    if (isUnknown && unknown >= Math.max(1, limits.maxStreams * UNKNOWN_SHARE))
      throw new Problem('too_many_streams', { retryAfter: 1 })
    // ws knows no list.
    incoming.headers.upgrade = 'websocket'
    server.handleUpgrade(incoming, socket, head, (ws) => {
      const handshake = { requestId, incoming, byMessage, span: observer.span }
      const session = new Session(deps, places, ws, socket, handshake)
      const share = new SocketShare(allowance)
      observer.opened()
      sessions.add(session)
      if (isUnknown) {
        unknown++
        void Promise.race([session.known, session.ended]).then(() => unknown--)
        void session.known
          .then(() => share.moveTo(deps.admission.allowanceOf(incoming)))
          .catch((error: unknown) => session.fail(error))
      }
      const release = deps.slots.take('websocket')
      void session.ended.then(() => {
        sessions.delete(session)
        release()
        share.release()
        observer.ended(session, (socket as Socket).bytesWritten)
      })
      try {
        const options = subscriptionFromQuery(query, deps.config.group)
        if (options !== undefined) session.subscribe(options)
      } catch (error) {
        session.fail(error)
      }
    })
  }
}
