import { Problem } from '../problems/problem.ts'

/**
 * The moment by which a job of several calls must be done. Kept on the monotonic clock: a clock step moves nothing.
 * A signal, where given, is a deadline that comes at once when it aborts.
 */
export class Deadline {
  readonly #at: number
  readonly #signal: AbortSignal | undefined

  constructor(ms: number, signal?: AbortSignal) {
    this.#at = performance.now() + ms
    this.#signal = signal
  }

  /** Milliseconds left, never below 0. */
  get left(): number {
    return this.#signal?.aborted === true ? 0 : Math.max(0, this.#at - performance.now())
  }

  get passed(): boolean {
    return this.left === 0
  }

  /** An earlier deadline for one part of the job. */
  slice(ms: number): Deadline {
    return new Deadline(Math.min(ms, this.left), this.#signal)
  }

  /**
   * What the promise gives, if it comes in time. What it was waiting for goes on by itself.
   * @throws Problem kafka_unavailable when the deadline passes first
   */
  async within<T>(promise: Promise<T>): Promise<T> {
    const { promise: expired, reject } = Promise.withResolvers<never>()
    const expire = () => reject(new Problem('kafka_unavailable', { detail: 'Kafka did not answer in time.' }))
    const timer = setTimeout(expire, this.left)
    this.#signal?.addEventListener('abort', expire)
    try {
      return await Promise.race([promise, expired])
    } finally {
      clearTimeout(timer)
      this.#signal?.removeEventListener('abort', expire)
    }
  }

  /** Waits, but not past the deadline. */
  pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, Math.min(ms, this.left))
    const end = () => resolve()
    this.#signal?.addEventListener('abort', end)
    return promise.finally(() => {
      clearTimeout(timer)
      this.#signal?.removeEventListener('abort', end)
    })
  }
}
