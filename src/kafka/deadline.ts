import { Problem } from '../problem.ts'

/** The moment by which a job of several calls must be done. Kept on the monotonic clock: a clock step moves nothing. */
export class Deadline {
  readonly #at: number

  constructor(ms: number) {
    this.#at = performance.now() + ms
  }

  /** Milliseconds left, never below 0. */
  get left(): number {
    return Math.max(0, this.#at - performance.now())
  }

  get passed(): boolean {
    return this.left === 0
  }

  /**
   * What the promise gives, if it comes in time. What it was waiting for goes on by itself.
   * @throws Problem kafka_unavailable when the deadline passes first
   */
  async within<T>(promise: Promise<T>): Promise<T> {
    const { promise: expired, reject } = Promise.withResolvers<never>()
    const timer = setTimeout(
      () => reject(new Problem('kafka_unavailable', { detail: 'Kafka did not answer in time.' })),
      this.left,
    )
    try {
      return await Promise.race([promise, expired])
    } finally {
      clearTimeout(timer)
    }
  }

  /** Waits, but not past the deadline. */
  pause(ms: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, Math.min(ms, this.left)))
  }
}
