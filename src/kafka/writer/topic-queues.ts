import type { Problem } from '../../problem.ts'
import type { TopicInfo } from '../cluster.ts'
import type { OutgoingRecord } from '../../record.ts'
import { partitionForKey } from '../wire/murmur2.ts'
import { PartitionQueue } from './partition-queue.ts'

/** How long brokers may take to agree that a topic exists, ms. */
const MISSING_MS = 1_000

/** The queues of one topic's partitions, and the choice between them. */
export class TopicQueues {
  #info: TopicInfo
  /** Since when metadata has not known the topic, by performance.now(). */
  #missingSince: number | undefined
  readonly #queues: (PartitionQueue | undefined)[] = []
  /** Where records without a key go until a batch of them leaves (Java's sticky partitioner, KIP-480). */
  #sticky: PartitionQueue | undefined

  constructor(info: TopicInfo) {
    this.#info = info
  }

  get info(): TopicInfo {
    return this.#info
  }

  update(info: TopicInfo): void {
    this.#info = info
    this.#missingSince = undefined
  }

  /** Takes note that metadata did not know the topic; true once that has lasted, and is no broker's lag. */
  missing(now: number): boolean {
    this.#missingSince ??= now
    return now - this.#missingSince >= MISSING_MS
  }

  /** The queue of the partition a record belongs to; undefined where it names one that does not exist. */
  route(record: OutgoingRecord): PartitionQueue | undefined {
    const count = this.#info.partitions.length
    const { partition, key } = record
    if (partition !== undefined)
      return partition >= 0 && partition < count ? this.#queue(partition) : undefined
    if (key !== null) return this.#queue(partitionForKey(key, count))
    this.#sticky ??= this.#choose()
    return this.#sticky
  }

  /** Takes note that a batch of this queue has left: the next records without a key go elsewhere. */
  sent(queue: PartitionQueue): void {
    if (queue === this.#sticky) this.#sticky = undefined
  }

  #queue(partition: number): PartitionQueue {
    const queue = this.#queues[partition] ?? new PartitionQueue(this.#info.name, partition)
    this.#queues[partition] = queue
    return queue
  }

  /** A random partition, of those with a leader that are free now, else with a leader, else of all. */
  #choose(): PartitionQueue {
    const all = this.#info.partitions.map(({ partition }) => partition)
    const led = all.filter((p) => (this.#info.partitions[p]?.leader ?? -1) >= 0)
    const free = led.filter(
      (p) => !(this.#queues[p]?.inFlight ?? false) && !(this.#queues[p]?.failing ?? false),
    )
    const healthy = led.filter((p) => !(this.#queues[p]?.failing ?? false))
    const from = [free, healthy, led, all].find((list) => list.length > 0)!
    return this.#queue(from[Math.floor(Math.random() * from.length)]!)
  }

  abandon(problem: Problem): void {
    for (const queue of this.#queues) queue?.abandon(problem)
  }
}
