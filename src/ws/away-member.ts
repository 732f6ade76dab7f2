import type { GroupMember } from '../kafka/group/member.ts'

/**
 * A group member whose socket dropped. It sends its heartbeats and takes part in rebalances, so that its partitions stay
 * its own; it reads nothing. When its grace is over, or whoever it was may read no more, it leaves the group.
 */
export class AwayMember {
  readonly #member: GroupMember
  readonly #ended: () => void
  readonly #timer: NodeJS.Timeout
  readonly #unwatch: () => void

  /**
   * `until`, on the clock of performance.now(). `watch` calls back where it may read no more, until what it gives is
   * called. `ended` is called once it is of no use any more, whatever the reason.
   */
  constructor(
    member: GroupMember,
    until: number,
    watch: (refused: () => void) => () => void,
    ended: () => void,
  ) {
    this.#member = member
    this.#ended = ended
    this.#unwatch = watch(() => void this.#leave())
    this.#timer = setTimeout(() => void this.#leave(), until - performance.now())
    member.goAway({
      assigned: () => {},
      revoked: () => {},
      // Others have had them: whoever comes back begins anew. A topic that is gone takes its own partitions only.
      lost: () => void (member.generation < 0 && this.#leave()),
      failed: () => this.#end(),
    })
  }

  /** Ends it and leaves its place in the group for the one who comes. */
  async giveWay(): Promise<void> {
    this.#end()
    await this.#member.abandon()
  }

  async #leave(): Promise<void> {
    this.#end()
    await this.#member.leave()
  }

  #end(): void {
    clearTimeout(this.#timer)
    this.#unwatch()
    this.#ended()
  }
}
