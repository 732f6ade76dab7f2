import type { Logger } from 'pino'
import type { KafkaCredentials, Logins } from '../auth/logins.ts'
import type { Principal } from '../auth/principal.ts'
import type { Backend } from '../backend.ts'
import type { ClientLogins } from '../config/client-logins.ts'
import type { SaslConfig } from '../config/kafka-config.ts'
import { Problem } from '../problems/problem.ts'
import { KafkaClient } from './kafka-client.ts'
import { Fingerprints, type Shown, shownBy } from './shown.ts'

/** Credentials that Kafka refused are not shown to it again before this, ms. */
const REFUSED_MS = 1_000
/** Refusals that are remembered; past it the oldest are forgotten. */
const MAX_REFUSALS = 10_000
/** Logins of new clients at once: each is a connection, and some work for the broker. */
const MAX_LOGINS = 16
/** Seconds, for Retry-After, where all clients are in use. */
const RETRY_AFTER = 5
/** How often clients are looked at that are idle, or whose credentials are to be tried again, ms. */
const SWEEP_MS = 5_000

/**
 * Logs a client in and makes what asks Kafka in its name; `refused` is to be called where Kafka takes its credentials no
 * more. @throws Problem invalid_credentials, kafka_unavailable, kafka_auth_failed
 */
export type Open = (sasl: SaslConfig, refused: () => void) => Promise<Backend>

/**
 * The clients that are logged in at Kafka, each with its own credentials. A bounded number: those that have been idle
 * longest make room, those in use stay. Credentials get no further than a login until Kafka has taken them.
 *
 *     credentials ──► login at Kafka ──taken──► in the pool ──idle, or the oldest idle of too many──► closed
 *                        │ refused                  │ refused at a later login: nobody is served any more
 *                        ▼                          ▼
 *                       401                    its streams end, then closed
 */
export class ClientPool implements Logins {
  readonly takes: KafkaCredentials['kind']
  readonly #logins: ClientLogins
  readonly #open: Open
  readonly #refused: () => void
  readonly #log: Logger
  readonly #fingerprints = new Fingerprints()
  /** By fingerprint. */
  readonly #clients = new Map<string, KafkaClient>()
  readonly #byPrincipal = new WeakMap<Principal, KafkaClient>()
  /** All that are not closed yet, also those that are refused. */
  readonly #all = new Set<KafkaClient>()
  readonly #underWay = new Map<string, Promise<Principal>>()
  readonly #refusals = new Map<string, { problem: Problem; until: number }>()
  readonly #timer: NodeJS.Timeout
  #isClosed = false

  /** @param refused is told that the credentials of a client count no more */
  constructor(logins: ClientLogins, open: Open, refused: () => void, log: Logger) {
    this.takes = logins.mechanism === 'OAUTHBEARER' ? 'jwt' : 'password'
    this.#logins = logins
    this.#open = open
    this.#refused = refused
    this.#log = log
    const ms = Math.min(SWEEP_MS, logins.idleMs / 2, logins.checkMs / 2)
    this.#timer = setInterval(() => this.#sweep(), ms).unref()
  }

  /** How many are logged in. */
  get size(): number {
    return this.#all.size
  }

  known(credentials: KafkaCredentials): Principal | undefined {
    const client = this.#clients.get(this.#fingerprints.of(credentials))
    if (client === undefined || client.isOverdue || !client.principal.isCurrent()) return undefined
    client.usedAt = performance.now()
    if (client.isDue) this.#checkLater(client)
    return client.principal
  }

  async logIn(credentials: KafkaCredentials): Promise<Principal> {
    const key = this.#fingerprints.of(credentials)
    const client = this.#clients.get(key)
    if (client?.principal.isCurrent() === true) {
      await client.check()
      client.usedAt = performance.now()
      return client.principal
    }
    const refusal = this.#refusals.get(key)
    if (refusal !== undefined && performance.now() < refusal.until) throw refusal.problem
    const underWay = this.#underWay.get(key)
    if (underWay !== undefined) return underWay
    if (this.#isClosed) throw new Problem('shutting_down')
    if (this.#underWay.size >= MAX_LOGINS) {
      const detail = `${MAX_LOGINS} clients are being logged in at Kafka, as many as may be at once.`
      throw new Problem('too_many_kafka_clients', { detail, retryAfter: 1 })
    }
    const shown = shownBy(credentials, this.#logins)
    // Not asked in vain, and not before the bound counts: wrong credentials must not cost anyone else a place.
    if (this.#all.size >= this.#logins.limit && this.#longestIdle() === undefined) throw full()
    const login = this.#admit(key, shown).finally(() => this.#underWay.delete(key))
    this.#underWay.set(key, login)
    return login
  }

  async #admit(key: string, shown: Shown): Promise<Principal> {
    const own: { client?: KafkaClient } = {}
    let backend: Backend
    try {
      backend = await this.#open(shown.sasl, () => own.client && this.#dismiss(key, own.client))
    } catch (error) {
      if (error instanceof Problem && error.code === 'invalid_credentials') this.#remember(key, error)
      throw error
    }
    const client = (own.client = new KafkaClient(backend, shown, this.#logins.checkMs))
    try {
      await this.#makeRoom(client)
    } catch (error) {
      await client.close()
      throw error
    }
    this.#clients.set(key, client)
    this.#byPrincipal.set(client.principal, client)
    return client.principal
  }

  /** Gives a client a place. @throws Problem too_many_kafka_clients, shutting_down */
  async #makeRoom(client: KafkaClient): Promise<void> {
    while (this.#all.size >= this.#logins.limit) {
      const idle = this.#longestIdle()
      if (idle === undefined) throw full()
      await this.#evict(...idle)
    }
    if (this.#isClosed) throw new Problem('shutting_down')
    this.#all.add(client)
  }

  #longestIdle(): [key: string, client: KafkaClient] | undefined {
    let found: [string, KafkaClient] | undefined
    for (const entry of this.#clients) {
      if (entry[1].isIdle && (found === undefined || entry[1].usedAt < found[1].usedAt)) found = entry
    }
    return found
  }

  #remember(key: string, problem: Problem): void {
    this.#refusals.delete(key)
    this.#refusals.set(key, { problem, until: performance.now() + REFUSED_MS })
    if (this.#refusals.size > MAX_REFUSALS) this.#refusals.delete(this.#refusals.keys().next().value!)
  }

  /** The client that was logged in as a principal; undefined for one that was not. */
  clientOf(principal: Principal): KafkaClient | undefined {
    return this.#byPrincipal.get(principal)
  }

  #dismiss(key: string, client: KafkaClient): void {
    client.refuse()
    this.#log.info(
      { principal: client.principal.name },
      'Kafka no longer accepts the credentials of a client',
    )
    this.#end(key, client)
  }

  /** Nobody is served by it any more; what it serves now ends. */
  #end(key: string, client: KafkaClient): void {
    if (this.#clients.get(key) === client) this.#clients.delete(key)
    this.#refused()
    if (client.isIdle) void this.#close(client)
  }

  async #evict(key: string, client: KafkaClient): Promise<void> {
    if (this.#clients.get(key) === client) this.#clients.delete(key)
    await this.#close(client)
  }

  async #close(client: KafkaClient): Promise<void> {
    try {
      await client.close()
    } catch (error) {
      this.#log.warn({ error }, 'a client could not be logged out in order')
    } finally {
      this.#all.delete(client)
    }
  }

  #sweep(): void {
    const now = performance.now()
    const { idleMs } = this.#logins
    for (const [key, client] of this.#clients) {
      if (!client.principal.isCurrent()) this.#end(key, client)
      else if (client.isIdle && now - client.usedAt >= idleMs) void this.#evict(key, client)
      else if (!client.isIdle && client.isDue) this.#checkLater(client)
    }
    for (const client of this.#all) {
      if (client.isIdle && !client.principal.isCurrent()) void this.#close(client)
    }
    for (const [key, { until }] of this.#refusals) if (until <= now) this.#refusals.delete(key)
  }

  /** What comes of it, Kafka's refusal alone tells. */
  #checkLater(client: KafkaClient): void {
    client.check().catch(() => {})
  }

  /** Logs all out. Nothing is to be in use any more. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearInterval(this.#timer)
    await Promise.allSettled(this.#underWay.values())
    this.#clients.clear()
    await Promise.all([...this.#all].map((client) => this.#close(client)))
  }
}

function full(): Problem {
  return new Problem('too_many_kafka_clients', { retryAfter: RETRY_AFTER })
}
