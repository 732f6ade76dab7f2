import type { TopicPartition } from '../topic-partition.ts'

/**
 * What a leader last gave to the static members of its group. One that comes back says that it holds nothing, which is
 * true; what it had is then its to have again, where a rebalance is under way just then.
 */
export class Given {
  #byInstance = new Map<string, readonly TopicPartition[]>()

  /** Remembers these in place of what was given before. Dynamic members (null) come back as somebody else. */
  remember(
    given: Iterable<readonly [instanceId: string | null, partitions: readonly TopicPartition[]]>,
  ): void {
    this.#byInstance = new Map()
    for (const [instanceId, partitions] of given) {
      if (instanceId !== null) this.#byInstance.set(instanceId, partitions)
    }
  }

  to(instanceId: string | null): readonly TopicPartition[] {
    return (instanceId === null ? undefined : this.#byInstance.get(instanceId)) ?? []
  }
}
