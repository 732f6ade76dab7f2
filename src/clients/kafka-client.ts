import type { Principal } from '../auth/principal.ts'
import { type Backend, closeBackend } from '../backend.ts'
import { Problem } from '../problems/problem.ts'

/** Credentials that could not be tried again count on for so many of the times after which they are, and no longer. */
const CHECKS_MISSED = 2

/** One principal of Kafka's, logged in: its connections, and what is built on them. */
export class KafkaClient {
  readonly principal: Principal
  readonly backend: Backend
  readonly #checkMs: number
  /** When Kafka last took its credentials, by performance.now(). */
  #takenAt = performance.now()
  #checking: Promise<void> | undefined
  #uses = 0
  /** When it was last used, by performance.now(). */
  usedAt = performance.now()
  #isRefused = false
  #closed: Promise<void> | undefined

  /** @param checkMs after how long Kafka is asked again whether the credentials count */
  constructor(
    backend: Backend,
    { name, expiresAt }: { readonly name: string; readonly expiresAt: number | undefined },
    checkMs: number,
  ) {
    this.backend = backend
    this.#checkMs = checkMs
    const isCurrent = () => !this.#isRefused && Date.now() < (expiresAt ?? Infinity)
    this.principal = { name, roles: [], expiresAt, isCurrent }
  }

  get isIdle(): boolean {
    return this.#uses === 0
  }

  get isClosed(): boolean {
    return this.#closed !== undefined
  }

  /** Whether Kafka is to be asked again. */
  get isDue(): boolean {
    return performance.now() - this.#takenAt >= this.#checkMs
  }

  /** Whether it was asked so long ago that nobody may be served before it has been. */
  get isOverdue(): boolean {
    return performance.now() - this.#takenAt >= this.#checkMs * CHECKS_MISSED
  }

  /** Kafka has refused what it took before: the password was changed, the user deleted, the token has expired. */
  refuse(): void {
    this.#isRefused = true
  }

  /**
   * Asks Kafka whether the credentials still count, by a login of its own.
   * @throws Problem invalid_credentials; kafka_unavailable, kafka_auth_failed
   */
  check(): Promise<void> {
    this.#checking ??= this.#check().finally(() => (this.#checking = undefined))
    return this.#checking
  }

  async #check(): Promise<void> {
    const askedAt = performance.now()
    await this.backend.cluster.reach()
    this.#takenAt = askedAt
  }

  /**
   * Keeps it from being closed until what is returned is called.
   * @throws Problem too_many_kafka_clients where another has its place already
   */
  hold(): () => void {
    if (this.isClosed) throw new Problem('too_many_kafka_clients', { retryAfter: 1 })
    this.#uses++
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      this.#uses--
      this.usedAt = performance.now()
    }
  }

  /** Logs it out; it must be idle, or the gateway about to end. */
  close(): Promise<void> {
    return (this.#closed ??= closeBackend(this.backend))
  }
}
