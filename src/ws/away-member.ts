import type { GroupMember } from '../kafka/group/member.ts'

export interface AwayHandlers {
  /** Calls back where whoever it was may read no more, until what it gives is called. */
  watch(refused: () => void): () => void
  /** It is of no use any more, whatever the reason. */
  ended(): void
  /** It asks nothing of Kafka any more. May be called again. */
  over(): void
}

/**
 * A group member whose socket dropped. It sends its heartbeats and takes part in rebalances, so that its partitions stay
 * its own; it reads nothing. When its grace is over, or whoever it was may read no more, it leaves the group.
 */
export class AwayMember {
  readonly #member: GroupMember
  readonly #handlers: AwayHandlers
  readonly #timer: NodeJS.Timeout
  readonly #unwatch: () => void

  /** `until`, on the clock of performance.now(). */
  constructor(member: GroupMember, until: number, handlers: AwayHandlers) {
    this.#member = member
    this.#handlers = handlers
    this.#unwatch = handlers.watch(() => void this.#leave())
    this.#timer = setTimeout(() => void this.#leave(), until - performance.now())
    member.goAway({
      assigned: () => {},
      revoked: () => {},
      // Others have had them: whoever comes back begins anew. A topic that is gone takes its own partitions only.
      lost: () => void (member.generation < 0 && this.#leave()),
      failed: () => {
        this.#end()
        handlers.over()
      },
    })
  }

  /** Ends it and leaves its place in the group for the one who comes. */
  async giveWay(): Promise<void> {
    this.#end()
    await this.#member.abandon().finally(this.#handlers.over)
  }

  async #leave(): Promise<void> {
    this.#end()
    await this.#member.leave().finally(this.#handlers.over)
  }

  #end(): void {
    clearTimeout(this.#timer)
    this.#unwatch()
    this.#handlers.ended()
  }
}
