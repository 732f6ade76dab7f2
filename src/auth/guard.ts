import type { IncomingMessage } from 'node:http'
import { isAllowedOrigin } from '../http/allowed-origin.ts'
import { clientAddressOf, networkOf } from '../http/client-address.ts'
import { Problem } from '../problems/problem.ts'
import { certificateOf } from './client-certificate.ts'
import { apiKeyOf, type Credentials, credentialsOf, ofToken } from './credentials.ts'
import type { FailedLogins } from './failed-logins.ts'
import type { JwtVerifier } from './jwt.ts'
import type { KeyStore } from './key-store.ts'
import type { KafkaCredentials, Logins } from './logins.ts'
import type { Operation, Policy, Resource } from './policy.ts'
import { anonymous, type Principal, principalOf, setPrincipal } from './principal.ts'
import { Caller } from './caller.ts'
import type { Page, Tickets } from './tickets.ts'

/** RFC 9110, section 11.6.1: how to show who one is. */
const BEARER = 'Bearer realm="sluice"'
const BASIC = 'Basic realm="sluice", charset="UTF-8"'
const challenges = { jwt: BEARER, password: BASIC, any: `${BEARER}, ${BASIC}` } as const
/** How often live streams are looked at for credentials that no longer count, ms. */
const SWEEP_MS = 5_000

/** Ways to find out who sends a request; those that are not configured are left out. */
export interface Authenticators {
  readonly keys?: KeyStore
  readonly jwt?: JwtVerifier
  readonly tickets?: Tickets
  /** Of Kafka: then there are no others. */
  readonly logins?: Logins
}

interface Watched {
  readonly principal: Principal
  readonly still: () => void
  readonly end: (problem: Problem) => void
}

/**
 * Who a request comes from, and what it may do. Where nothing is configured everybody may do everything, and the gateway
 * listens on this machine alone.
 */
export class Guard {
  readonly enabled: boolean
  readonly #authenticators: Authenticators
  readonly #failures: FailedLogins | undefined
  readonly #allowedOrigins: readonly string[]
  #policy: Policy | undefined
  readonly #challenge: Readonly<Record<string, string>>
  readonly #anybody = new Caller(this, anonymous)
  readonly #watched = new Set<Watched>()
  #timer: NodeJS.Timeout | undefined

  constructor(
    authenticators?: Authenticators,
    failures?: FailedLogins,
    allowedOrigins: readonly string[] = [],
  ) {
    this.#allowedOrigins = allowedOrigins
    this.enabled = authenticators !== undefined
    this.#authenticators = authenticators ?? {}
    this.#challenge = { 'www-authenticate': challenges[authenticators?.logins?.takes ?? 'any'] }
    this.#failures = failures
  }

  /** The rules that count now; undefined where nobody has to show who they are. */
  get policy(): Policy | undefined {
    return this.#policy
  }

  /** Takes a policy in place of the one before; streams that it does not allow end. */
  replacePolicy(policy: Policy): void {
    this.#policy = policy
    this.sweep()
  }

  /**
   * Finds out who sends a request, for principalOf(). Without waiting wherever it can.
   * @throws Problem credential_in_url, invalid_credentials, auth_unavailable, too_many_failed_logins; now, or later
   */
  authenticate(incoming: IncomingMessage): void | Promise<void> {
    if (!this.enabled) return
    const credentials = credentialsOf(incoming)
    const found = this.#find(credentials, incoming)
    if (found instanceof Promise) return found.then((principal) => this.#take(incoming, principal))
    this.#take(incoming, found)
  }

  #take(incoming: IncomingMessage, principal: Principal): void {
    if (principal !== anonymous) setPrincipal(incoming, principal)
  }

  /** Whoever authenticate() has found. */
  callerOf(incoming: IncomingMessage): Caller {
    const principal = principalOf(incoming)
    return principal === undefined ? this.#anybody : new Caller(this, principal)
  }

  /**
   * Who shows a token in a message.
   * @throws as authenticate()
   */
  async authenticateToken(token: string, incoming: IncomingMessage): Promise<Principal> {
    return this.#find(ofToken(token), incoming)
  }

  #find(credentials: Credentials, incoming: IncomingMessage): Principal | Promise<Principal> {
    const { keys, jwt, tickets, logins } = this.#authenticators
    switch (credentials.kind) {
      case 'none':
        // Nobody is anyone at Kafka by a certificate shown here.
        return (logins === undefined ? this.#certificateOf(incoming) : undefined) ?? anonymous
      case 'password': {
        if (logins !== undefined) return this.#logIn(credentials, incoming, logins)
        const key = apiKeyOf(credentials.user, credentials.password)
        if (key === undefined) return this.#refuse(incoming, "the user is a key's id, the password that key")
        return this.#find({ kind: 'key', key }, incoming)
      }
      case 'key':
        return (
          keys?.find(credentials.key) ??
          this.#refuse(incoming, 'the API key is unknown, expired or was taken away')
        )
      case 'jwt': {
        if (logins !== undefined) return this.#logIn(credentials, incoming, logins)
        if (jwt === undefined) return this.#refuse(incoming, 'JSON Web Tokens are not taken here')
        const known = jwt.remembered(credentials.token)
        if (known !== undefined) return known
        return this.#counted(incoming, jwt.verify(credentials.token))
      }
      case 'ticket':
        if (tickets === undefined) return this.#refuse(incoming, 'tickets are not taken here')
        return this.#counted(incoming, tickets.redeem(credentials.ticket, pageOf(incoming)))
      case 'unusable':
        return this.#refuse(incoming, credentials.why)
    }
  }

  /** Has Kafka say who it is. Guesses past the limit hardly get as far. */
  #logIn(
    credentials: KafkaCredentials,
    incoming: IncomingMessage,
    logins: Logins,
  ): Principal | Promise<Principal> {
    if (credentials.kind !== logins.takes)
      return this.#refuse(incoming, `Authorization takes ${logins.takes === 'jwt' ? 'Bearer' : 'Basic'}`)
    const known = logins.known(credentials)
    if (known !== undefined) return known
    const retryAfter = this.#failures?.holdBack(networkOf(clientAddressOf(incoming) ?? ''))
    if (retryAfter !== undefined) throw new Problem('too_many_failed_logins', { retryAfter })
    return this.#counted(incoming, logins.logIn(credentials))
  }

  /**
   * Browsers show a client certificate for any page that makes them ask, as they do with cookies: it counts for pages of
   * the origins that may use the gateway alone.
   */
  #certificateOf(incoming: IncomingMessage): Principal | undefined {
    const principal = certificateOf(incoming)
    const { origin } = incoming.headers
    if (principal === undefined || origin === undefined) return principal
    if (isAllowedOrigin(origin, hostOf(incoming), this.#allowedOrigins)) return principal
    throw new Problem('origin_not_allowed')
  }

  /** What is found out later is counted, too, where it is wrong. */
  #counted(incoming: IncomingMessage, found: Promise<Principal>): Promise<Principal> {
    return found.catch((error: unknown) => {
      const isWrong = error instanceof Problem && error.code === 'invalid_credentials'
      throw isWrong ? this.#failure(incoming, error) : error
    })
  }

  #refuse(incoming: IncomingMessage, why: string): never {
    const detail = `The credentials are not accepted: ${why}.`
    throw this.#failure(incoming, new Problem('invalid_credentials', { detail, headers: this.#challenge }))
  }

  /** The same answer for every wrong guess, and from the tenth in a minute on only that there were too many. */
  #failure(incoming: IncomingMessage, problem: Problem): Problem {
    const retryAfter = this.#failures?.count(networkOf(clientAddressOf(incoming) ?? ''))
    if (retryAfter !== undefined) return new Problem('too_many_failed_logins', { retryAfter })
    return new Problem(problem.code, { ...problem.options, headers: this.#challenge })
  }

  allows(principal: Principal, operation: Operation, resource: Resource): boolean {
    return !this.enabled || this.#policy?.allows(principal, operation, resource) === true
  }

  /**
   * Holds a request to what its principal may do. Asked before Kafka is, so that a refusal doesn't tell whether the thing
   * is there.
   * @throws Problem unauthenticated for one that has shown nothing, else forbidden
   */
  require(principal: Principal, operation: Operation, resource: Resource): void {
    if (this.allows(principal, operation, resource)) return
    if (principal === anonymous) throw this.unauthenticated()
    const what = resource.kind === 'cluster' ? 'the cluster' : `${resource.kind} ${resource.name}`
    throw new Problem('forbidden', { detail: `${principal.name} may not ${operation} ${what}.` })
  }

  /**
   * Keeps pages of other origins from changing anything. A browser sends simple requests without asking first, and any
   * page may make it send them, also to a gateway on its own machine.
   * @throws Problem origin_not_allowed
   */
  requirePage(incoming: IncomingMessage): void {
    const { origin } = incoming.headers
    if (origin === undefined || isAllowedOrigin(origin, hostOf(incoming), this.#allowedOrigins)) return
    throw new Problem('origin_not_allowed')
  }

  /** Whether one that has shown nothing may do anything at all. */
  get admitsAnonymous(): boolean {
    if (!this.enabled) return true
    // Kafka is asked as whoever asks: as nobody it is not.
    return this.#authenticators.logins === undefined && this.#policy?.admitsAnonymous === true
  }

  /** The same error, where credentials are refused with how to show others (RFC 9110, section 15.5.2). */
  challenged(error: unknown): unknown {
    if (!(error instanceof Problem) || error.code !== 'invalid_credentials') return error
    return new Problem(error.code, { ...error.options, headers: this.#challenge })
  }

  /** What is answered to one that has shown nothing, where that is not enough. */
  unauthenticated(): Problem {
    return new Problem('unauthenticated', { headers: this.#challenge })
  }

  /**
   * Watches a stream for as long as it lives: `end` is called, within seconds, where its credentials count no more or
   * `still` throws, which asks again what the stream was allowed when it began.
   * @returns stops watching
   */
  watch(principal: Principal, still: () => void, end: (problem: Problem) => void): () => void {
    if (!this.enabled) return () => {}
    const watched = { principal, still, end }
    this.#watched.add(watched)
    this.#timer ??= setInterval(() => this.sweep(), SWEEP_MS).unref()
    return () => {
      this.#watched.delete(watched)
      if (this.#watched.size > 0) return
      clearInterval(this.#timer)
      this.#timer = undefined
    }
  }

  /** Looks at all streams now: credentials or rules have changed. */
  sweep(): void {
    for (const watched of [...this.#watched]) {
      const problem = this.#changed(watched)
      if (problem === undefined) continue
      this.#watched.delete(watched)
      watched.end(problem)
    }
  }

  #changed({ principal, still }: Watched): Problem | undefined {
    if (!principal.isCurrent()) return new Problem('credentials_expired')
    try {
      still()
      return undefined
    } catch (error) {
      return error instanceof Problem ? error : new Problem('internal_error', { cause: error })
    }
  }
}

/** The Host header as it was sent: the routes see one name for all. */
export function hostOf({ rawHeaders }: IncomingMessage): string | undefined {
  const at = rawHeaders.findIndex((name, i) => i % 2 === 0 && name.toLowerCase() === 'host')
  return at < 0 ? undefined : rawHeaders[at + 1]
}

/** The page that asks, as far as its browser tells: of a read by the gateway's own pages it says no Origin, but this. */
function pageOf(incoming: IncomingMessage): Page {
  const { origin, 'sec-fetch-site': site } = incoming.headers
  return { origin, ownHost: site === 'same-origin' ? hostOf(incoming)?.toLowerCase() : undefined }
}
