/** How often it looks, ms; a delay is known to within this. */
const LOOK_MS = 100

/**
 * How late the event loop is, by a timer that should come every LOOK_MS. Every step of every request waits at least so
 * long. perf_hooks.monitorEventLoopDelay measures the same with a timer of its own at a hundred times the wake-ups, and has
 * to be read by a timer all the same.
 */
export class LoopWatch {
  readonly #maxMs: number
  #lookedAt = performance.now()
  #delayMs = 0
  #isLate = false
  #timer: NodeJS.Timeout | undefined

  /** `maxMs` of delay are put up with; 0 is any. */
  constructor(maxMs: number) {
    this.#maxMs = maxMs
  }

  start(): void {
    this.#lookedAt = performance.now()
    this.#timer = setInterval(() => this.#look(), LOOK_MS).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /**
   * Whether the loop came too late twice in a row: once may be a collection of garbage, a laptop that slept, one huge
   * request, and is over when it is seen.
   */
  get isLate(): boolean {
    return this.#isLate
  }

  /** At the last look. */
  get delayMs(): number {
    return this.#delayMs
  }

  #look(): void {
    const now = performance.now()
    const delayMs = Math.max(0, now - this.#lookedAt - LOOK_MS)
    this.#isLate = this.#maxMs > 0 && Math.min(delayMs, this.#delayMs) > this.#maxMs
    this.#delayMs = delayMs
    this.#lookedAt = now
  }
}
