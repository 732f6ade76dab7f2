import { keyOf, type TopicPartition } from '../kafka/topic-partition.ts'

/** A partition that the group has given this member, from then until it is given up or lost. */
export interface Claim extends TopicPartition {
  /** On the clock of performance.now(). */
  readonly since: number
  /** Whether the client has been told of it. */
  announced: boolean
  /** How often reading of it has begun. */
  starts: number
  /** Whether the client chose where it is read from: what the group has committed is of no concern then. */
  sought: boolean
}

/**
 * What is claimed now. Work on a partition that waited for Kafka goes on only if it still holds the claim it began with:
 * meanwhile the partition may have been taken, or taken and had again.
 */
export class Claims {
  readonly #held = new Map<string, Claim>()

  take(partitions: readonly TopicPartition[]): Claim[] {
    return partitions.map(({ topic, partition }) => {
      const claim = { topic, partition, since: performance.now(), announced: false, starts: 0, sought: false }
      this.#held.set(keyOf(claim), claim)
      return claim
    })
  }

  get(partition: TopicPartition): Claim | undefined {
    return this.#held.get(keyOf(partition))
  }

  has(claim: Claim): boolean {
    return this.get(claim) === claim
  }

  /** Ends claims; those that were still held come back. */
  end(claims: readonly Claim[]): Claim[] {
    return claims.filter((claim) => this.has(claim) && this.#held.delete(keyOf(claim)))
  }

  /** The claims on partitions, those that there are. */
  of(partitions: readonly TopicPartition[]): Claim[] {
    return partitions.flatMap((partition) => this.get(partition) ?? [])
  }
}
