/**
 * How many bytes of requests and unwritten records the process and each topic may hold. A request asks before its body
 * is read and is refused as a whole, so nothing is ever half-written for want of memory.
 */
export class ByteBudget {
  readonly #limit: number
  readonly #topicLimit: number
  readonly #topics = new Map<string, number>()
  #used = 0
  #release: PromiseWithResolvers<void> | undefined

  constructor(limit: number, topicLimit: number) {
    this.#limit = limit
    this.#topicLimit = topicLimit
  }

  get used(): number {
    return this.#used
  }

  /**
   * Takes bytes if there is room. A request larger than a limit is let through when nothing else is held: `own` is what
   * it holds already.
   */
  tryReserve(topic: string, bytes: number, own = 0): boolean {
    const topicUsed = this.#topics.get(topic) ?? 0
    if (this.#used > own && this.#used + bytes > this.#limit) return false
    if (topicUsed > own && topicUsed + bytes > this.#topicLimit) return false
    this.take(topic, bytes)
    return true
  }

  /** Takes bytes that have come already, whatever the limits. Who reads more than once asks `hasRoom` before. */
  take(topic: string, bytes: number): void {
    this.#used += bytes
    this.#topics.set(topic, (this.#topics.get(topic) ?? 0) + bytes)
  }

  /**
   * Whether one that can wait may go on: others than itself hold less than half of each limit. The other half is for
   * requests, which are refused where they find no room.
   */
  hasRoom(topic: string, own: number): boolean {
    const topicUsed = this.#topics.get(topic) ?? 0
    return this.#used - own < this.#limit / 2 && topicUsed - own < this.#topicLimit / 2
  }

  /** Resolves when something is given back. */
  released(): Promise<void> {
    this.#release ??= Promise.withResolvers()
    return this.#release.promise
  }

  release(topic: string, bytes: number): void {
    this.#used -= bytes
    const left = (this.#topics.get(topic) ?? 0) - bytes
    if (left > 0) this.#topics.set(topic, left)
    else this.#topics.delete(topic)
    this.#release?.resolve()
    this.#release = undefined
  }
}
