import type { IncomingMessage } from 'node:http'
import { Problem } from '../problems/problem.ts'
import { isAllowedHost } from './allowed-host.ts'

/** What every request is routed under: there are no virtual hosts, so no route can depend on what a client calls us. */
const HOST = 'gateway'
/** Most lines of headers. */
export const MAX_HEADER_FIELDS = 256
/** RFC 9110, section 7.2: a name, an IPv4 address or an IPv6 one in brackets, and a port. */
const hostPattern = /^(?:[A-Za-z0-9._~!$&'()*+,;=-]*|\[[0-9A-Fa-f:.]+\])(?::\d*)?$/
/** What URL parsers resolve or replace without a word, so that two of them see two paths. */
const suspect = /[%\\#]|\/\.\.?(?:[/?]|$)/
const dotSegment = /\/(?:\.|%2e){1,2}(?:[/?]|$)/i

/**
 * Checks what a request is addressed to, and gives it the one form the routes know: a path, at one host.
 * @throws Problem bad_request where it is ambiguous or no URL; host_not_allowed
 */
export function normaliseTarget(incoming: IncomingMessage, allowedHosts: readonly string[]): void {
  checkHost(incoming, allowedHosts)
  const target = incoming.url ?? ''
  if (target.startsWith('/')) checkPath(target)
  else incoming.url = pathOfAbsolute(target)
  incoming.headers.host = HOST
}

/** Each costs more than its bytes. @throws Problem headers_too_large */
export function checkHeaderFields({ rawHeaders }: IncomingMessage): void {
  if (rawHeaders.length > 2 * MAX_HEADER_FIELDS) {
    throw new Problem('headers_too_large', {
      detail: `There are more than ${MAX_HEADER_FIELDS} lines of headers.`,
      extra: { limit: MAX_HEADER_FIELDS },
    })
  }
}

/**
 * RFC 9112, section 3.2: exactly one Host, but HTTP/1.0 may leave it out; browsers never do.
 * @throws Problem bad_request; host_not_allowed for one that is not allowed
 */
export function checkHost(
  { headers: { host }, httpVersion, rawHeaders }: IncomingMessage,
  allowedHosts: readonly string[],
): void {
  let count = 0
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i]!.length === 4 && rawHeaders[i]!.toLowerCase() === 'host') count++
  }
  if (
    count > 1 ||
    (count === 0 && httpVersion !== '1.0') ||
    (host !== undefined && !hostPattern.test(host))
  ) {
    throw new Problem('bad_request', { detail: 'Send one Host header with the name of the host.' })
  }
  if (host !== undefined && !isAllowedHost(host, allowedHosts)) {
    const detail = `It does not go by ${host}: ask localhost or 127.0.0.1, or list the name in SLUICE_ALLOWED_HOSTS.`
    throw new Problem('host_not_allowed', { detail })
  }
}

function checkPath(target: string): void {
  if (!suspect.test(target)) return
  const query = target.indexOf('?')
  const path = query < 0 ? target : target.slice(0, query)
  if (target.includes('#') || path.includes('\\') || dotSegment.test(path)) {
    throw new Problem('bad_request', { detail: 'The path has a dot segment, a backslash or a fragment.' })
  }
  try {
    // A guess at what broken encoding meant would change keys and names.
    decodeURIComponent(target)
  } catch {
    throw new Problem('bad_request', { detail: "The URL's percent-encoding is not that of UTF-8 text." })
  }
}

/** RFC 9112, section 3.2.2: proxies send whole URLs, and a server has to take them. */
function pathOfAbsolute(target: string): string {
  const path = /^https?:\/\/[^/?#]*(\/[^#]*)?$/i.exec(target)
  if (path === null) throw new Problem('bad_request', { detail: 'The request target is not a path.' })
  const [, origin = '/'] = path
  checkPath(origin)
  return origin
}
