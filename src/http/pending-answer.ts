import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

interface Exchange {
  readonly incoming: IncomingMessage
  readonly outgoing: ServerResponse
  readonly before: ServerResponse | undefined
}

/** By connection: the last request that began on it, and the answer to the one before. */
const last = new WeakMap<Socket, Exchange>()

/** To be told of each request, before it is answered. */
export function startedExchange(incoming: IncomingMessage, outgoing: ServerResponse): void {
  last.set(incoming.socket, { incoming, outgoing, before: last.get(incoming.socket)?.outgoing })
}

/**
 * The answer that has to go out before anything else is said on the connection: that of the last request which came
 * whole. Answers come in the order of the requests (RFC 9112, section 9.3.2), so one written past it would be taken for it.
 */
export function pendingAnswer(socket: Socket): ServerResponse | undefined {
  const exchange = last.get(socket)
  const answer = exchange?.incoming.complete === true ? exchange.outgoing : exchange?.before
  return answer === undefined || answer.writableFinished || answer.destroyed ? undefined : answer
}

/** Has the answer to the last request on a connection say that nothing will be after it, where it has not begun. */
export function tellToClose(socket: Socket): void {
  const answer = last.get(socket)?.outgoing
  if (answer !== undefined && !answer.headersSent) answer.setHeader('connection', 'close')
}

/**
 * Whether an answer that begins or has begun says that it is the last on its connection. What comes behind it must not be
 * done (RFC 9112, section 9.6): nobody would be told, and whoever sent it takes it for not done.
 */
export function hasSaidLast(socket: Socket): boolean {
  return last.get(socket)?.outgoing.getHeader('connection') === 'close'
}

/** The last request on the connection while it has not arrived in full. */
export function unreadRequest(socket: Socket): IncomingMessage | undefined {
  const incoming = last.get(socket)?.incoming
  return incoming === undefined || incoming.complete ? undefined : incoming
}
