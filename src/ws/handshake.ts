import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { isCredential } from '../auth/credentials.ts'
import type { Config } from '../config/config.ts'
import { closeLingering } from '../http/lingering-close.ts'
import { Problem } from '../problems/problem.ts'
import { checkHeaderFields, checkHost } from '../http/request-target.ts'
import { isAllowedOrigin } from '../http/allowed-origin.ts'

export const WS_PATH = '/v1/ws'
export const SUBPROTOCOL = 'sluice.v1'

/** The URL of an upgrade request. @throws Problem bad_request for a target that is none */
export function urlOf(incoming: IncomingMessage): URL {
  const target = incoming.url ?? '/'
  const url = URL.parse(target.startsWith('/') ? `http://gateway${target}` : target)
  if (url === null) throw new Problem('bad_request', { detail: 'The request target is not a URL.' })
  return url
}

/** Whether a request is to become a WebSocket: Upgrade is a list, and means nothing in HTTP/1.0 (RFC 9110, section 7.8). */
export function asksForWebSocket({ headers, httpVersion }: IncomingMessage): boolean {
  const names = headers.upgrade?.split(',') ?? []
  return httpVersion !== '1.0' && names.some((name) => name.trim().toLowerCase() === 'websocket')
}

/**
 * Lets a handshake pass (RFC 6455, section 4.2.1) that is for this gateway, from a page that may.
 * @throws Problem for what must be refused before there is a WebSocket
 */
export function admit(
  incoming: IncomingMessage,
  path: string,
  { allowedOrigins, allowedHosts }: Pick<Config, 'allowedOrigins' | 'allowedHosts'>,
): void {
  const { headers, method } = incoming
  checkHeaderFields(incoming)
  checkHost(incoming, allowedHosts)
  if (path !== WS_PATH) {
    throw new Problem('no_such_route', { detail: `There is no WebSocket at ${path.slice(0, 100)}.` })
  }
  if (method !== 'GET') {
    throw new Problem('method_not_allowed', {
      detail: 'This route takes GET, HEAD.',
      headers: { allow: 'GET, HEAD' },
    })
  }
  // Version 8 was a draft, in which the origin went by another name.
  if (!asksForWebSocket(incoming) || headers['sec-websocket-version'] !== '13') throw upgradeRequired()
  // Its bytes would be taken for frames.
  if ('transfer-encoding' in headers || (headers['content-length'] ?? '0') !== '0') {
    throw new Problem('bad_request', { detail: 'A WebSocket handshake has no body.' })
  }
  if (headers.origin !== undefined && !isAllowedOrigin(headers.origin, headers.host, allowedOrigins)) {
    throw new Problem('origin_not_allowed')
  }
  const offered = headers['sec-websocket-protocol']
  const names = offered
    ?.split(',')
    .map((name) => name.trim())
    .filter((name) => !isCredential(name))
  if (names !== undefined && !names.includes(SUBPROTOCOL)) {
    throw new Problem('unsupported_subprotocol')
  }
}

function upgradeRequired(): Problem {
  return new Problem('upgrade_required', {
    headers: { upgrade: 'websocket', 'sec-websocket-version': '13' },
  })
}

/** Answers a request that will not become a WebSocket as a problem document, and closes. */
export function refuse(socket: Duplex, problem: Problem, requestId: string): void {
  const body = JSON.stringify(problem.toDocument(requestId))
  const { retryAfter = problem.row.retryable ? 1 : undefined } = problem.options
  const headers: Record<string, string | number> = {
    connection: 'close',
    'content-type': 'application/problem+json',
    'content-length': Buffer.byteLength(body),
    'x-request-id': requestId,
    ...problem.options.headers,
    ...(retryAfter === undefined ? {} : { 'retry-after': retryAfter }),
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.write(`HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\n${lines.join('')}\r\n${body}`)
  closeLingering(socket as Socket)
}
