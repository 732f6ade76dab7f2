import type { Problem } from '../../problems/problem.ts'
import type { TopicPartition } from '../topic-partition.ts'

export interface AssignedPartition extends TopicPartition {
  /** The committed offset, which is the next to be read; undefined where none is. */
  readonly committed: number | undefined
}

export interface PartitionOffset extends TopicPartition {
  /** Where the group resumes: the last processed offset plus one. */
  readonly offset: number
}

/**
 * What a member tells the one who reads for it. One call at a time; the next waits for the promise of the last, for
 * `revokeTimeoutMs` at most.
 */
export interface GroupMemberHandlers {
  /** Newly owned: reading may begin. A rejection ends the membership: nobody would read what the member holds. */
  assigned(partitions: readonly AssignedPartition[]): void | Promise<void>
  /**
   * About to be given up: stop delivery, commit() what was acked, then resolve; only then does the group move on.
   * After `revokeTimeoutMs` the member goes on without it.
   */
  revoked(partitions: readonly TopicPartition[]): void | Promise<void>
  /** Gone already (session expired, fenced, topic made again): too late to commit. The member rejoins by itself. */
  lost(partitions: readonly TopicPartition[]): void | Promise<void>
  /** The member gave up for good; nothing more is called. Errors before start() resolved are start()'s instead. */
  failed(problem: Problem): void
}

export interface GroupMemberOptions {
  readonly groupId: string
  /** What it reads at first; see subscribe(). */
  readonly topics: readonly string[]
  /** Milliseconds without a heartbeat after which Kafka gives the member's partitions to others. */
  readonly sessionTimeoutMs: number
  /** Milliseconds between heartbeats: how fast a rebalance is noticed. */
  readonly heartbeatMs: number
  /** Milliseconds that Kafka waits in a rebalance for a member to rejoin. */
  readonly rebalanceTimeoutMs: number
  /** Milliseconds that a callback may hold up the member; 5 s, at most half of `rebalanceTimeoutMs`. */
  readonly revokeTimeoutMs?: number
  /**
   * Makes it a static member (KIP-345): whoever joins with the same instance id takes its place without a rebalance, and
   * the one before is fenced, which ends it with `superseded`.
   */
  readonly instanceId?: string
  /** Whether the instance id was a member's before, so that its place may still be there. */
  readonly comesBack?: boolean
  /** Who reads, for the log. */
  readonly clientInfo?: string
}

export interface GroupLog {
  debug(fields: object, message: string): void
  warn(fields: object, message: string): void
}

/** A member in one generation of its group: what heartbeats and commits are signed with. */
export interface Identity {
  readonly memberId: string
  /** Null for a dynamic member. */
  readonly instanceId: string | null
  readonly generation: number
}

/** Partition numbers by topic. */
export function byTopic(partitions: Iterable<TopicPartition>): Map<string, number[]> {
  const topics = new Map<string, number[]>()
  for (const { topic, partition } of partitions) {
    const numbers = topics.get(topic)
    if (numbers === undefined) topics.set(topic, [partition])
    else numbers.push(partition)
  }
  return topics
}
