import { Problem } from '../../problems/problem.ts'
import type { TopicInfo } from '../cluster.ts'
import type { OutgoingRecord } from '../../records/record.ts'
import type { KafkaMeter } from '../meter.ts'
import type { Codec } from '../wire/compress.ts'
import { partitionForKey } from '../wire/murmur2.ts'
import { PartitionQueue } from './partition-queue.ts'
import type { WriteRequest } from './write-request.ts'

/** How long brokers may take to agree that a topic exists, ms. */
const MISSING_MS = 1_000
/** Records without a key turn to another partition past this, bytes, when no batch has left before. */
const STICKY_BYTES = 262_144

/** What is known of the brokers' haste. */
export interface BrokerHaste {
  isStalled(nodeId: number, now: number): boolean
}

/** The queues of one topic's partitions, and the choice between them. */
export class TopicQueues {
  #info: TopicInfo
  readonly #brokers: BrokerHaste
  readonly #codec: Codec
  readonly #meter: KafkaMeter
  /** When records last came, by performance.now(). */
  usedAt = 0
  /** Since when metadata has not known the topic, by performance.now(). */
  #missingSince: number | undefined
  readonly #queues: (PartitionQueue | undefined)[] = []
  /** Where records without a key go until a batch of them leaves (Java's sticky partitioner, KIP-480). */
  #sticky: PartitionQueue | undefined
  /** When `#sticky` was chosen, by performance.now(), and how many batches it had made by then. */
  #chosenAt = 0
  #formed = 0
  /** The bytes waiting past which it has had its share. */
  #share = 0

  constructor(info: TopicInfo, brokers: BrokerHaste, codec: Codec, meter: KafkaMeter) {
    this.#meter = meter
    this.#info = info
    this.#codec = codec
    this.#brokers = brokers
  }

  get info(): TopicInfo {
    return this.#info
  }

  get hasWork(): boolean {
    return this.#queues.some((queue) => queue?.hasWork)
  }

  update(info: TopicInfo): void {
    const count = info.partitions.length
    // Made again with fewer partitions: what waits for the others has nowhere to go.
    if (info.id !== this.#info.id && count < this.#queues.length) {
      const problem = new Problem('partition_not_found', { outcome: 'not_written' })
      for (const queue of this.#queues.splice(count)) queue?.abandon(problem)
      this.#sticky = undefined
    }
    this.#info = info
    this.#missingSince = undefined
  }

  /** Takes note that metadata did not know the topic; true once that has lasted, and is no broker's lag. */
  missing(now: number): boolean {
    this.#missingSince ??= now
    return now - this.#missingSince >= MISSING_MS
  }

  /** The queue of the partition a record belongs to; undefined where it names one that does not exist. */
  route({ partition, key }: OutgoingRecord, now: number): PartitionQueue | undefined {
    const count = this.#info.partitions.length
    if (partition !== undefined)
      return partition >= 0 && partition < count ? this.#queue(partition) : undefined
    if (key !== null) return this.#queue(partitionForKey(key, count))
    const sticky = this.#sticky
    if (
      sticky === undefined ||
      sticky.formed !== this.#formed ||
      sticky.waitingBytes >= this.#share ||
      (now > this.#chosenAt && sticky.isStuck(now))
    ) {
      return this.#choose(now)
    }
    return sticky
  }

  #queue(partition: number): PartitionQueue {
    const queue =
      this.#queues[partition] ??
      new PartitionQueue(this.#info.name, partition, { codec: this.#codec, meter: this.#meter })
    this.#queues[partition] = queue
    return queue
  }

  /** A partition with a leader and nothing to do, else one that moves, else one that is stuck; any one of these. */
  #choose(now: number): PartitionQueue {
    const count = this.#info.partitions.length
    const start = Math.floor(Math.random() * count)
    let best = start
    let least = Infinity
    for (let i = 0; i < count && least > 0; i++) {
      const partition = (start + i) % count
      const rank = this.#rank(partition, now)
      if (rank >= least) continue
      least = rank
      best = partition
    }
    const sticky = this.#queue(best)
    this.#sticky = sticky
    this.#chosenAt = now
    this.#formed = sticky.formed
    this.#share = sticky.waitingBytes + STICKY_BYTES
    return sticky
  }

  #rank(partition: number, now: number): number {
    const leader = this.#info.partitions[partition]?.leader ?? -1
    if (leader < 0) return 3
    const queue = this.#queues[partition]
    if (queue?.isStuck(now) || this.#brokers.isStalled(leader, now)) return 2
    return queue?.hasWork ? 1 : 0
  }

  cancel(request: WriteRequest): void {
    for (const queue of this.#queues) queue?.cancel(request)
  }

  abandon(problem: Problem): void {
    for (const queue of this.#queues) queue?.abandon(problem)
  }
}
