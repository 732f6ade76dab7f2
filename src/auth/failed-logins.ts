/** Addresses that are remembered; past it the oldest are forgotten. */
const MAX_ADDRESSES = 10_000
const WINDOW_MS = 60_000
/** Past the limit one is checked in so long, ms, of those that it costs something to check. */
const PAST_LIMIT_MS = 1_000

/**
 * Counts wrong credentials by address. Right ones always pass, so that nobody behind the same proxy is locked out by
 * another; past the limit a wrong guess learns nothing but that there were too many.
 */
export class FailedLogins {
  readonly #limit: number
  readonly #counts = new Map<string, { count: number; since: number; triedAt: number }>()

  /** @param limit a minute */
  constructor(limit: number) {
    this.#limit = limit
  }

  /**
   * Whether one that it costs something to check has to wait: past the limit one a second of an address is checked, so that
   * guesses come to nothing and a right one to its turn.
   * @returns the seconds to wait
   */
  holdBack(address: string): number | undefined {
    const entry = this.#counts.get(address)
    const now = performance.now()
    if (entry === undefined || now - entry.since >= WINDOW_MS || entry.count < this.#limit) return undefined
    if (now - entry.triedAt < PAST_LIMIT_MS) return Math.ceil(PAST_LIMIT_MS / 1_000)
    entry.triedAt = now
    return undefined
  }

  /** Counts one. @returns the seconds to wait where there were too many */
  count(address: string): number | undefined {
    const now = performance.now()
    const known = this.#counts.get(address)
    const entry =
      known !== undefined && now - known.since < WINDOW_MS
        ? known
        : { count: 0, since: now, triedAt: -Infinity }
    entry.count++
    this.#counts.delete(address)
    this.#counts.set(address, entry)
    if (this.#counts.size > MAX_ADDRESSES) this.#counts.delete(this.#counts.keys().next().value!)
    return entry.count > this.#limit ? Math.ceil((WINDOW_MS - (now - entry.since)) / 1_000) : undefined
  }
}
