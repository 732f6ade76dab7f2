import type { Cluster, TopicInfo } from '../kafka/cluster.ts'
import { Deadline } from '../kafka/deadline.ts'
import type { Isolation } from '../kafka/record-reader.ts'
import { startOffsets } from '../kafka/start-offsets.ts'
import type { EndPosition } from '../records/start-position.ts'
import type { ProgressEvent, RecordsEvent } from './events.ts'
import type { TopicStart } from './find-start.ts'
import { keyOf, type TopicPartition } from '../kafka/topic-partition.ts'

const DEADLINE_MS = 5_000

/**
 * Where a stream ends in each of its partitions: before an offset that is known from the start, or, while the time that it
 * ends at is still to come, before the first record of that time or later.
 */
export class Goal {
  readonly #until: EndPosition | undefined
  readonly #isolation: Isolation
  /** By partition. */
  readonly #ends = new Map<string, number>()
  /** Whether every end is known: what is not among them is not part of it. */
  #isFixed = false

  constructor(until: EndPosition | undefined, isolation: Isolation) {
    this.#until = until
    this.#isolation = isolation
  }

  /** Looks up what can be at the start. @throws as startOffsets */
  async find(cluster: Cluster, starts: readonly TopicStart[]): Promise<void> {
    const isAhead = (this.dueInMs ?? 0) > 0
    if (this.#until === undefined || this.#until.kind === 'offset' || isAhead) return
    await this.settle(
      cluster,
      starts.map(({ topic, offsets }) => [topic, [...offsets.keys()]] as const),
    )
  }

  /** Milliseconds until the time that it ends at has come and settle() is due; undefined where it never will be. */
  get dueInMs(): number | undefined {
    if (this.#isFixed || this.#until?.kind !== 'time') return undefined
    return Math.max(0, this.#until.timestamp - Date.now())
  }

  /** Looks up where these partitions end, and with them the stream. @throws as startOffsets */
  async settle(
    cluster: Cluster,
    topics: readonly (readonly [TopicInfo, readonly number[]])[],
  ): Promise<void> {
    await Promise.all(
      topics.map(([topic, partitions]) => {
        // Records of that time that came before it are where their partitions end.
        const unknown = partitions.filter(
          (partition) => !this.#ends.has(keyOf({ topic: topic.name, partition })),
        )
        return this.#lookUp(cluster, topic, unknown)
      }),
    )
    this.#isFixed = true
  }

  /** Whether partitions that are found later are read too. */
  get isOpen(): boolean {
    return !this.#isFixed
  }

  /** Before which offset a partition ends, as far as that is known. */
  endOf(partition: TopicPartition): number {
    if (this.#until?.kind === 'offset') return this.#until.offset
    return this.#ends.get(keyOf(partition)) ?? Infinity
  }

  /** Takes note of records that show where their partition ends. */
  see(event: RecordsEvent | ProgressEvent): void {
    if (this.#isFixed || this.#until?.kind !== 'time' || event.kind !== 'records') return
    const { timestamp } = this.#until
    const first = event.records.find((record) => record.timestamp >= timestamp)
    if (first !== undefined && first.offset < this.endOf(event)) this.#ends.set(keyOf(event), first.offset)
  }

  async #lookUp(cluster: Cluster, topic: TopicInfo, partitions: readonly number[]): Promise<void> {
    if (this.#until === undefined || partitions.length === 0) return
    const deadline = new Deadline(DEADLINE_MS)
    const found = await startOffsets(cluster, topic, partitions, this.#until, this.#isolation, deadline)
    for (const [partition, offset] of found) this.#ends.set(keyOf({ topic: topic.name, partition }), offset)
  }
}
