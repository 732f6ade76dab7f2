import type { IncomingMessage } from 'node:http'

const principals = new WeakMap<IncomingMessage, string>()

/**
 * Who a request is from: the name of the key, the subject of the token or of the certificate that proved it. It goes into
 * the log, the audit log and traces under this name; undefined where nobody has proved to be anyone.
 */
export function principalOf(incoming: IncomingMessage): string | undefined {
  return principals.get(incoming)
}

/** For whatever authenticates requests and WebSocket handshakes, before they are served. */
export function setPrincipal(incoming: IncomingMessage, name: string): void {
  principals.set(incoming, name)
}
