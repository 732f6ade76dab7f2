import { Problem } from '../problem.ts'

/** Seconds, for Retry-After. */
const RETRY_AFTER = 5

/** Counts the streams that are open, over WebSocket and HTTP together. */
export class StreamSlots {
  readonly #limit: number
  #taken = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** @throws Problem too_many_streams where there is no place for another */
  check(): void {
    if (this.#taken >= this.#limit) throw new Problem('too_many_streams', { retryAfter: RETRY_AFTER })
  }

  /** Takes a place for one stream; what it returns gives it back, once. @throws as check */
  take(): () => void {
    this.check()
    this.#taken++
    let isTaken = true
    return () => {
      if (isTaken) this.#taken--
      isTaken = false
    }
  }
}
