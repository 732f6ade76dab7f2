import type { Problem } from '../../problems/problem.ts'
import type { Cluster, TopicInfo } from '../cluster.ts'
import { problemFromKafka } from '../errors.ts'
import type { AssignedPartition } from './assigned-partition.ts'
import type { LostReason } from './events.ts'
import { Signal } from './signal.ts'

export interface PlacementOwner {
  /** The partition's leader is known; `leaderEpoch` is set. */
  placed(partition: AssignedPartition, nodeId: number): void
  lost(partition: AssignedPartition, reason: LostReason): void
  /** Kafka can't be asked; it is tried again, but for the errors that no retry mends. Answers whether to go on. */
  troubled(problem: Problem): boolean
}

/**
 * How long metadata must show no such topic before it is believed, ms. Right after a topic is made some brokers don't
 * know it yet, or still know the one before it of the same name.
 */
const CONFIRM_MS = 1_000
const CONFIRM_INTERVAL_MS = 200

interface Waiting {
  readonly partitions: Set<AssignedPartition>
  readonly signal: Signal
}

/** Finds the leaders of partitions that have none yet or have lost theirs, a task for each topic, until it has. */
export class Placement {
  readonly #cluster: Cluster
  readonly #owner: PlacementOwner
  readonly #waiting = new Map<string, Waiting>()

  constructor(cluster: Cluster, owner: PlacementOwner) {
    this.#cluster = cluster
    this.#owner = owner
  }

  add(partition: AssignedPartition): void {
    const known = this.#waiting.get(partition.topic)
    if (known !== undefined) {
      known.partitions.add(partition)
      known.signal.raise()
      return
    }
    const waiting = { partitions: new Set([partition]), signal: new Signal() }
    this.#waiting.set(partition.topic, waiting)
    void this.#run(partition.topic, waiting)
  }

  remove(partition: AssignedPartition): void {
    const waiting = this.#waiting.get(partition.topic)
    if (waiting?.partitions.delete(partition)) waiting.signal.raise()
  }

  async #run(topic: string, { partitions, signal }: Waiting): Promise<void> {
    while (partitions.size > 0) {
      const now = performance.now()
      const due = [...partitions].filter((p) => p.retryAt <= now)
      if (due.length === 0) await signal.wait(Math.min(...[...partitions].map((p) => p.retryAt)) - now)
      else if (!(await this.#place(topic, partitions, due))) partitions.clear()
    }
    this.#waiting.delete(topic)
  }

  /** Answers whether there is any point in trying further. */
  async #place(topic: string, waiting: Set<AssignedPartition>, due: AssignedPartition[]): Promise<boolean> {
    let info: TopicInfo | undefined
    try {
      info = await (due.some((p) => p.stale) ? this.#cluster.refreshTopic(topic) : this.#cluster.topic(topic))
    } catch (error) {
      const problem = problemFromKafka(error)
      if (problem.code !== 'kafka_authorization') {
        for (const partition of due) partition.putOff()
        return this.#owner.troubled(problem)
      }
      for (const partition of due)
        if (waiting.delete(partition)) this.#owner.lost(partition, 'not_authorized')
      return true
    }
    for (const partition of due) if (waiting.has(partition)) this.#placeOne(partition, info, waiting)
    return true
  }

  #placeOne(
    partition: AssignedPartition,
    info: TopicInfo | undefined,
    waiting: Set<AssignedPartition>,
  ): void {
    const found = info?.id === partition.topicId ? info.partitions[partition.partition] : undefined
    if (found === undefined) {
      const now = performance.now()
      partition.missingSince ??= now
      partition.stale = true
      partition.retryAt = now + CONFIRM_INTERVAL_MS
      if (now - partition.missingSince < CONFIRM_MS) return
      waiting.delete(partition)
      const isOther = info !== undefined && info.id !== partition.topicId
      this.#owner.lost(partition, isOther ? 'topic_recreated' : 'topic_deleted')
      return
    }
    partition.missingSince = undefined
    if (!this.#cluster.brokers.has(found.leader)) {
      partition.putOff()
      return
    }
    partition.stale = false
    partition.leaderEpoch = found.leaderEpoch
    waiting.delete(partition)
    this.#owner.placed(partition, found.leader)
  }
}
