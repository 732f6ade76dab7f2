/**
 * So many tokens a second come in, and as many as come in within `burstSeconds` are kept for later. It is open while it
 * holds one, and may be left owing: who takes more than there is waits until that has come in, so that a request larger
 * than the burst passes, too, and slows those behind it.
 */
export class TokenBucket {
  readonly perSecond: number
  readonly burst: number
  #tokens: number
  /** By performance.now(). */
  #filledAt: number

  constructor(perSecond: number, burstSeconds: number, now = performance.now()) {
    this.perSecond = perSecond
    this.burst = Math.max(1, perSecond * burstSeconds)
    this.#tokens = this.burst
    this.#filledAt = now
  }

  /** Tokens there are, below 0 where they are owed. `now` is performance.now(). */
  level(now: number): number {
    const passed = now - this.#filledAt
    if (passed > 0) {
      this.#tokens = Math.min(this.burst, this.#tokens + (passed * this.perSecond) / 1_000)
      this.#filledAt = now
    }
    return this.#tokens
  }

  isOpen(now: number): boolean {
    return this.level(now) >= 1
  }

  take(tokens: number, now: number): void {
    this.#tokens = this.level(now) - tokens
  }

  /** How long until it is open, ms; 0 where it is. Rounded up, so that it is open then. */
  opensIn(now: number): number {
    const missing = 1 - this.level(now)
    return missing <= 0 ? 0 : Math.ceil((missing * 1_000) / this.perSecond)
  }
}
