import type { OAuthClient } from '../../config/kafka-config.ts'
import { Problem } from '../../problems/problem.ts'
import { isAuthenticationError, LoginError } from '../errors.ts'
import { secretFor } from './secret-for.ts'
import type { Token } from './token-source.ts'

const TIMEOUT_MS = 5_000
/** Largest answer that is read, bytes: a token is a few hundred to a few thousand. */
const MOST_BYTES = 65_536
/** What a token is taken to be good for where neither the answer nor the token says, ms. */
const UNTOLD_LIFETIME_MS = 60_000
/** RFC 6749, section 5.2: the characters of an error code, of which there are few. */
const ERROR_CODE = /^[\x20-\x7e]{1,64}$/

/**
 * A token for the client's own credentials (RFC 6749, section 4.4), which go in the Authorization header (section 2.3.1).
 * @throws LoginError where they are refused; Problem kafka_unavailable where no answer came, or none that says so
 */
export async function fetchOAuthToken(client: OAuthClient, timeoutMs = TIMEOUT_MS): Promise<Token> {
  const clientSecret = await secretFor('client secret', client.clientSecret)
  const credentials = [client.clientId, clientSecret].map(formEncoded).join(':')
  const { status, text } = await post(
    client.tokenUrl,
    new URLSearchParams({ grant_type: 'client_credentials', ...(client.scope && { scope: client.scope }) }),
    `Basic ${Buffer.from(credentials).toString('base64')}`,
    timeoutMs,
  )
  const answer = objectIn(text)
  if (status === 200 && typeof answer.access_token === 'string') {
    return { value: answer.access_token, lifetimeMs: lifetimeOf(answer.access_token, answer.expires_in) }
  }
  const { error } = answer
  const code = typeof error === 'string' && ERROR_CODE.test(error) ? ` ${error}` : ''
  const reason = `the token endpoint answered ${status}${code}`
  // 429 and the like pass with time; a client that is refused is refused until somebody mends it.
  if (status >= 400 && status < 500 && status !== 408 && status !== 429) throw new LoginError(reason)
  throw unavailable(new Error(reason))
}

async function post(
  url: string,
  body: URLSearchParams,
  authorization: string,
  timeoutMs: number,
): Promise<{ status: number; text: string }> {
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { authorization, accept: 'application/json' },
      body,
      // The secret is for nobody else.
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    })
    const chunks: Uint8Array[] = []
    let size = 0
    for await (const chunk of answer.body ?? []) {
      size += chunk.length
      if (size > MOST_BYTES) throw new Error(`the answer is longer than ${MOST_BYTES} bytes`)
      chunks.push(chunk)
    }
    return { status: answer.status, text: Buffer.concat(chunks).toString() }
  } catch (cause) {
    if (isAuthenticationError(cause)) throw new LoginError('the token endpoint is not trusted', { cause })
    throw unavailable(cause)
  }
}

function unavailable(cause: unknown): Problem {
  return new Problem('kafka_unavailable', {
    detail: 'The token that Kafka asks for cannot be had now.',
    cause,
  })
}

/** RFC 6749, appendix B: as in a form, so that a colon in either divides nothing. */
function formEncoded(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1)
}

function objectIn(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

/** By the answer's `expires_in`, seconds; else by the token's own `exp` (RFC 7519), if it is a JWT that has one. */
function lifetimeOf(token: string, expiresIn: unknown): number {
  const seconds = Number(expiresIn ?? NaN)
  if (seconds > 0) return seconds * 1_000
  const { exp } = objectIn(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
  const left = typeof exp === 'number' ? exp * 1_000 - Date.now() : UNTOLD_LIFETIME_MS
  return Math.max(0, left)
}
