import type { IncomingMessage } from 'node:http'
import { type ApiKey, holdsApiKey, parseApiKey } from './api-key.ts'
import { Problem } from '../problems/problem.ts'

/** What a request shows of who sends it. */
export type Credentials =
  | { readonly kind: 'none' }
  | { readonly kind: 'key'; readonly key: ApiKey }
  | { readonly kind: 'jwt'; readonly token: string }
  /** Of Basic; `apiKeyOf` says whether they are an API key. */
  | { readonly kind: 'password'; readonly user: string; readonly password: string }
  | { readonly kind: 'ticket'; readonly ticket: string }
  /** Of a kind or form that nothing can be made of. */
  | { readonly kind: 'unusable'; readonly why: string }

/** Names under which people put what belongs into a header. */
const credentialParameters = ['access_token', 'api_key', 'apikey', 'api-key', 'token', 'authorization']
/** The query parameter for a ticket: it says who asks, not what for. */
export const TICKET = 'ticket'
/** A WebSocket of a browser can't have headers, but it can offer this as a subprotocol, with a token in base64url. */
const BEARER_SUBPROTOCOL = 'sluice.bearer.'

/**
 * What a request shows: in Authorization (Bearer, RFC 6750; Basic, RFC 7617, with a key's id as the user), as a ticket
 * in the URL, or in a subprotocol of a WebSocket. Cookies are never looked at: a browser sends them along for any page.
 * @throws Problem credential_in_url
 */
export function credentialsOf({ url = '', headers, method }: IncomingMessage): Credentials {
  const query = url.indexOf('?')
  const ticket = query < 0 ? undefined : ticketOf(url.slice(query + 1))
  const { authorization } = headers
  if (authorization !== undefined) return ofAuthorization(authorization)
  const offered = headers.upgrade === undefined ? undefined : headers['sec-websocket-protocol']
  const bearer = offered
    ?.split(',')
    .map((name) => name.trim())
    .find((name) => name.startsWith(BEARER_SUBPROTOCOL))
  if (bearer !== undefined) {
    const token = Buffer.from(bearer.slice(BEARER_SUBPROTOCOL.length), 'base64url').toString('utf8')
    return ofToken(token)
  }
  return ticket === undefined || method !== 'GET' ? { kind: 'none' } : { kind: 'ticket', ticket }
}

/** The subprotocols that are none, but credentials. */
export function isCredential(subprotocol: string): boolean {
  return subprotocol.startsWith(BEARER_SUBPROTOCOL)
}

/** A URL is kept in logs, histories and Referer headers: what lasts must not be in one. */
function ticketOf(query: string): string | undefined {
  if (holdsApiKey(query)) throw new Problem('credential_in_url')
  let ticket: string | undefined
  for (const part of query.split('&')) {
    const equals = part.indexOf('=')
    const name = (equals < 0 ? part : part.slice(0, equals)).toLowerCase()
    if (credentialParameters.includes(name)) throw new Problem('credential_in_url')
    if (name === TICKET) ticket = part.slice(equals + 1)
  }
  return ticket
}

function ofAuthorization(header: string): Credentials {
  const [, scheme = '', value = ''] = /^([A-Za-z]+) +([\x21-\x7e]+)$/.exec(header) ?? []
  switch (scheme.toLowerCase()) {
    case 'bearer':
      return ofToken(value)
    case 'basic':
      return ofBasic(value)
    default:
      return { kind: 'unusable', why: 'Authorization takes Bearer and Basic' }
  }
}

/** A token as such: an API key or a JSON Web Token. */
export function ofToken(token: string): Credentials {
  const key = parseApiKey(token)
  if (key !== undefined) return { kind: 'key', key }
  if (/^[\w-]+\.[\w-]+\.[\w-]*$/.test(token)) return { kind: 'jwt', token }
  return { kind: 'unusable', why: 'it is neither an API key nor a JSON Web Token' }
}

function ofBasic(value: string): Credentials {
  const text = Buffer.from(value, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  if (colon < 0) return { kind: 'unusable', why: 'Basic takes a user and a password' }
  return { kind: 'password', user: text.slice(0, colon), password: text.slice(colon + 1) }
}

/** The key's id for the user, and for the password the whole key or its secret alone. */
export function apiKeyOf(user: string, password: string): ApiKey | undefined {
  const key = parseApiKey(password) ?? parseApiKey(`sluice_${user}_${password}`)
  return key !== undefined && (user === '' || user === key.id) ? key : undefined
}
