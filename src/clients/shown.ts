import { createHmac, randomBytes } from 'node:crypto'
import type { KafkaCredentials } from '../auth/logins.ts'
import type { ClientLogins } from '../config/client-logins.ts'
import type { SaslConfig } from '../config/kafka-config.ts'
import { Secret } from '../config/secret.ts'
import { Problem } from '../problems/problem.ts'

/** What credentials come to: whose they are as far as they tell, and how Kafka is shown them. */
export interface Shown {
  /** As rules and logs call the principal. */
  readonly name: string
  /** Epoch ms from which on they count no more, where they say so themselves. */
  readonly expiresAt: number | undefined
  readonly sasl: SaslConfig
}

/** A longer one is no token that a provider makes. */
const MAX_TOKEN_LENGTH = 8_192
const MAX_NAME_LENGTH = 256
/** NUL separates what PLAIN sends (RFC 4616), and a name is a line of its own wherever it is written. */
const CONTROL = /\p{Cc}/u

/** @throws Problem invalid_credentials for what Kafka need not be asked about */
export function shownBy(
  credentials: KafkaCredentials,
  { mechanism, extensions }: Pick<ClientLogins, 'mechanism' | 'extensions'>,
): Shown {
  if (mechanism === 'OAUTHBEARER') {
    if (credentials.kind !== 'jwt') throw refused('it is no token')
    const { sub, expiresAt } = claimsOf(credentials.token)
    const token = Secret.of(credentials.token)
    return { name: `user:${sub}`, expiresAt, sasl: { mechanism, token, extensions } }
  }
  if (credentials.kind !== 'password') throw refused('it is no user and password')
  const { user, password } = credentials
  if (user === '' || user.length > MAX_NAME_LENGTH || CONTROL.test(user)) throw refused('the user is no name')
  if (password === '' || password.includes('\0')) throw refused('there is no such password')
  const sasl = { mechanism, username: user, password: Secret.of(password) }
  return { name: `user:${user}`, expiresAt: undefined, sasl }
}

/** What a token says of itself. Kafka has the last word: nothing of it counts until Kafka has taken the token. */
function claimsOf(token: string): { sub: string; expiresAt: number | undefined } {
  if (token.length > MAX_TOKEN_LENGTH) throw refused('the token is too long')
  let claims: { readonly sub?: unknown; readonly exp?: unknown } | null = null
  try {
    claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')) as typeof claims
  } catch {
    // Said below.
  }
  const { sub, exp } = claims ?? { sub: undefined, exp: undefined }
  if (typeof sub !== 'string' || !/^[\x21-\x7e]{1,256}$/.test(sub))
    throw refused('the token is no JSON Web Token with a subject')
  const expiresAt = typeof exp === 'number' ? exp * 1_000 : undefined
  if (expiresAt !== undefined && expiresAt <= Date.now()) throw refused('the token has expired')
  return { sub, expiresAt }
}

/** Tells credentials apart without keeping them: what is computed is of no use outside this process. */
export class Fingerprints {
  readonly #secret = randomBytes(32)

  of(credentials: KafkaCredentials): string {
    // As JSON, so that no user and password can be another's in one.
    const text =
      credentials.kind === 'jwt'
        ? credentials.token
        : JSON.stringify([credentials.user, credentials.password])
    return createHmac('sha256', this.#secret).update(text).digest('base64')
  }
}

function refused(why: string): Problem {
  return new Problem('invalid_credentials', { detail: `The credentials are not accepted: ${why}.` })
}
