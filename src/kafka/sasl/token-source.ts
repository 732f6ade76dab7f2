import type { Tokens } from './oauth-bearer.ts'

/** A token, and how long it is good for from now on, ms. */
export interface Token {
  readonly value: string
  readonly lifetimeMs: number
}

/** The part of its life after which a token is replaced. Connections log in again after 85 to 95 % of theirs. */
const RENEW_AFTER = 0.75
/** One that could not be fetched is asked for again no sooner than this, ms. */
const RETRY_MS = 1_000

/**
 * One token for all connections: fetched when it is first needed, kept until shortly before it expires, one fetch for all
 * who wait. Where a new one cannot be had, the old one serves as long as it is good.
 */
export class TokenSource implements Tokens {
  readonly #fetch: () => Promise<Token>
  #current: { value: string; renewAt: number; expiresAt: number } | undefined
  #fetching: Promise<string> | undefined
  #failure: { error: unknown; until: number } | undefined

  /** @param fetch gets a new token, within a time of its own */
  constructor(fetch: () => Promise<Token>) {
    this.#fetch = fetch
  }

  async get(): Promise<string> {
    const current = this.#current
    if (current !== undefined && performance.now() < current.renewAt) return current.value
    try {
      return await this.#renew()
    } catch (error) {
      if (current !== undefined && current === this.#current && performance.now() < current.expiresAt)
        return current.value
      throw error
    }
  }

  /** It has been revoked, or the keys it is checked with have changed: the next login gets another. */
  refused(token: string): void {
    if (this.#current?.value === token) this.#current = undefined
  }

  #renew(): Promise<string> {
    if (this.#failure !== undefined && performance.now() < this.#failure.until) {
      return Promise.reject(this.#failure.error)
    }
    return (this.#fetching ??= this.#fetchOnce().finally(() => (this.#fetching = undefined)))
  }

  async #fetchOnce(): Promise<string> {
    const asked = performance.now()
    try {
      const { value, lifetimeMs } = await this.#fetch()
      this.#current = { value, renewAt: asked + lifetimeMs * RENEW_AFTER, expiresAt: asked + lifetimeMs }
      this.#failure = undefined
      return value
    } catch (error) {
      this.#failure = { error, until: performance.now() + RETRY_MS }
      throw error
    }
  }
}
