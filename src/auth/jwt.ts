import {
  createLocalJWKSet,
  createRemoteJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  errors,
  type JWTPayload,
  type JWTVerifyGetKey,
  jwtVerify,
} from 'jose'
import { z } from 'zod'
import { Problem } from '../problems/problem.ts'
import type { Principal } from './principal.ts'

/** Signed by a key pair: with a shared secret whoever checks tokens could make them (RFC 8725, section 3.1). */
const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'EdDSA',
  'Ed25519',
]
/** RFC 9068 has the second, OIDC providers send the first or none. */
const TYPES = ['jwt', 'at+jwt', 'application/at+jwt']
/** A longer one is no token that a provider makes. */
export const MAX_LENGTH = 8_192
/** Seconds that the clocks of gateway and provider may differ. */
export const CLOCK_TOLERANCE = 30
/** Milliseconds for the provider to answer. */
const TIMEOUT_MS = 3_000
/** Between two questions for keys that were not known, ms: tokens with invented key ids must not become requests. */
const COOLDOWN_MS = 30_000
/** After a provider could not be asked, ms: neither must those of one that is away. */
const RETRY_MS = 1_000
const KEYS_MAX_AGE_MS = 600_000
/** Tokens that were checked and are remembered: a signature costs more than a request. */
const MAX_REMEMBERED = 1_000

export interface JwtOptions {
  readonly issuers: readonly string[]
  readonly audience: string
  /** Where the keys are; found by OpenID Connect discovery where left out. */
  readonly jwksUrl?: string | undefined
  /** Claim with the roles, a list or text separated by spaces. Dots lead into objects. */
  readonly rolesClaim: string
}

const Discovery = z.looseObject({ issuer: z.string(), jwks_uri: z.url({ protocol: /^https?$/ }) })

/** Checks JSON Web Tokens (RFC 7519) as RFC 8725 has it: fixed issuers, audience and algorithms. */
export class JwtVerifier {
  readonly #options: JwtOptions
  readonly #keys = new Map<string, Promise<JWTVerifyGetKey>>()
  readonly #remembered = new Map<string, Principal>()

  constructor(options: JwtOptions) {
    this.#options = options
  }

  /** Has every key and token be looked at anew. */
  forget(): void {
    this.#keys.clear()
    this.#remembered.clear()
  }

  /** The principal of a token that was checked a moment ago, without waiting. */
  remembered(token: string): Principal | undefined {
    const principal = this.#remembered.get(token)
    if (principal === undefined || principal.isCurrent()) return principal
    this.#remembered.delete(token)
    return undefined
  }

  /**
   * @throws Problem invalid_credentials; auth_unavailable where the provider's keys can't be had
   */
  async verify(token: string): Promise<Principal> {
    const known = this.remembered(token)
    if (known !== undefined) return known
    const issuer = this.#issuerOf(token)
    try {
      const { payload } = await jwtVerify(token, await this.#keysOf(issuer), {
        issuer,
        audience: this.#options.audience,
        algorithms: ALGORITHMS,
        clockTolerance: CLOCK_TOLERANCE,
        requiredClaims: ['sub', 'exp'],
      })
      return this.#remember(token, this.#toPrincipal(issuer, payload))
    } catch (error) {
      throw toProblem(error)
    }
  }

  /**
   * Read before anything is proved: whose keys to ask for, only of those configured, and not for a token that no key
   * makes good, so that what is forged refuses itself also while a provider is away.
   */
  #issuerOf(token: string): string {
    if (token.length > MAX_LENGTH) throw refused('it is too long')
    let header: { readonly alg?: unknown; readonly typ?: unknown }
    let payload: JWTPayload
    try {
      header = decodeProtectedHeader(token)
      payload = decodeJwt(token)
    } catch {
      throw refused('it is no JSON Web Token')
    }
    if (!ALGORITHMS.some((algorithm) => algorithm === header.alg))
      throw refused('its algorithm is not taken here')
    const { typ } = header
    if (typ !== undefined && !TYPES.includes(String(typ).toLowerCase()))
      throw refused('its type is not taken here')
    const issuer = this.#options.issuers.find((known) => known === payload.iss)
    if (issuer === undefined) throw refused('its issuer is not trusted here')
    return issuer
  }

  #keysOf(issuer: string): Promise<JWTVerifyGetKey> {
    let keys = this.#keys.get(issuer)
    if (keys === undefined) {
      keys = this.#findKeys(issuer)
      this.#keys.set(issuer, keys)
      keys.catch(() => setTimeout(() => this.#keys.delete(issuer), RETRY_MS).unref())
    }
    return keys
  }

  async #findKeys(issuer: string): Promise<JWTVerifyGetKey> {
    const url = this.#options.jwksUrl ?? (await discover(issuer))
    const remote = createRemoteJWKSet(new URL(url), {
      timeoutDuration: TIMEOUT_MS,
      cooldownDuration: COOLDOWN_MS,
      cacheMaxAge: KEYS_MAX_AGE_MS,
    })
    let failure: unknown
    let failedAt = -Infinity
    return async (header, input) => {
      if (performance.now() - failedAt >= RETRY_MS) {
        try {
          return await remote(header, input)
        } catch (error) {
          if (!isUnreachable(error)) throw error
          failure = error
          failedAt = performance.now()
        }
      }
      // The provider is away: the keys it gave last go on to count, and only a key that is none of them has to wait.
      const last = remote.jwks()
      if (last === undefined) throw failure
      return createLocalJWKSet(last)(header, input).catch(() => {
        throw failure
      })
    }
  }

  #toPrincipal(issuer: string, payload: JWTPayload): Principal {
    const { sub, exp } = payload as { sub: unknown; exp: number }
    if (typeof sub !== 'string' || !/^[\x21-\x7e]{1,256}$/.test(sub))
      throw refused('its subject can not be used')
    const { issuers, rolesClaim } = this.#options
    const expiresAt = (exp + CLOCK_TOLERANCE) * 1_000
    return {
      name: issuers.length === 1 ? `user:${sub}` : `user:${issuer}#${sub}`,
      roles: rolesOf(payload, rolesClaim),
      expiresAt,
      isCurrent: () => Date.now() < expiresAt,
    }
  }

  #remember(token: string, principal: Principal): Principal {
    if (this.#remembered.size >= MAX_REMEMBERED)
      this.#remembered.delete(this.#remembered.keys().next().value!)
    this.#remembered.set(token, principal)
    return principal
  }
}

async function discover(issuer: string): Promise<string> {
  try {
    const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS), redirect: 'error' })
    const document = Discovery.parse(await response.json())
    if (document.issuer !== issuer) throw new Error('the discovery document is of another issuer')
    return document.jwks_uri
  } catch (cause) {
    throw new Problem('auth_unavailable', { cause })
  }
}

/** The roles of a claim such as `realm_access.roles`; a scope's text counts word by word. */
function rolesOf(payload: JWTPayload, claim: string): string[] {
  let value: unknown = Object.hasOwn(payload, claim) ? payload[claim] : undefined
  if (value === undefined) {
    value = payload
    for (const part of claim.split('.')) {
      value =
        value !== null && typeof value === 'object' && Object.hasOwn(value, part)
          ? (value as Record<string, unknown>)[part]
          : undefined
    }
  }
  const list = typeof value === 'string' ? value.split(' ') : Array.isArray(value) ? value : []
  return list
    .filter((role): role is string => typeof role === 'string' && /^\S{1,256}$/.test(role))
    .slice(0, 100)
}

function isUnreachable(error: unknown): boolean {
  if (error instanceof errors.JWKSTimeout) return true
  // jose throws its plain error for an answer that is no key set, and passes on what fetch() throws.
  return (
    error instanceof TypeError || (error instanceof errors.JOSEError && error.code === 'ERR_JOSE_GENERIC')
  )
}

/** What is wrong with a token, in words that help its holder and no one else. */
function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error
  if (isUnreachable(error)) return new Problem('auth_unavailable', { cause: error })
  if (error instanceof errors.JWTExpired) return refused('it has expired', error)
  if (error instanceof errors.JWTClaimValidationFailed)
    return refused(`its claim ${error.claim} is not accepted`, error)
  if (error instanceof errors.JOSEError) return refused('its signature or form does not hold', error)
  return new Problem('internal_error', { cause: error })
}

function refused(why: string, cause?: unknown): Problem {
  return new Problem('invalid_credentials', { detail: `The token is not accepted: ${why}.`, cause })
}
