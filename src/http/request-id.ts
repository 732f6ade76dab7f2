import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'

const HEADER = 'x-request-id'
/** Safe to log and to echo. */
const acceptable = /^[\w.:/+=-]{1,128}$/

/**
 * Gives a request its id, the caller's own where it is fit to be logged. It is set on the raw response: a header set
 * through Hono costs every answer a Headers object.
 */
export function assignRequestId(incoming: IncomingMessage, outgoing: ServerResponse): void {
  const given = incoming.headers[HEADER]
  outgoing.setHeader(HEADER, typeof given === 'string' && acceptable.test(given) ? given : randomUUID())
}

export function requestIdOf(c: { env: { outgoing: { getHeader(name: string): unknown } } }): string {
  return String(c.env.outgoing.getHeader(HEADER))
}
