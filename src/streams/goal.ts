import type { Cluster, TopicInfo } from '../kafka/cluster.ts'
import { Deadline } from '../kafka/deadline.ts'
import { keyOf, type TopicPartition } from '../kafka/group/types.ts'
import type { Isolation } from '../kafka/record-reader.ts'
import { startOffsets } from '../kafka/start-offsets.ts'
import type { EndPosition } from '../start-position.ts'
import type { ProgressEvent, RecordsEvent } from './events.ts'
import type { TopicStart } from './find-start.ts'

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
    const until = this.#until
    if (until === undefined || until.kind === 'offset' || this.dueInMs !== undefined) return
    await Promise.all(
      starts.map(({ topic, offsets }) => this.#lookUp(cluster, topic, [...offsets.keys()], until)),
    )
    this.#isFixed = true
  }

  /** Milliseconds until the time that it ends at; undefined where that is past, or it ends at none. */
  get dueInMs(): number | undefined {
    if (this.#isFixed || this.#until?.kind !== 'time') return undefined
    const ms = this.#until.timestamp - Date.now()
    return ms > 0 ? ms : undefined
  }

  /** The time has come: looks up where these partitions end. @throws as startOffsets */
  async settle(cluster: Cluster, topic: TopicInfo, partitions: readonly number[]): Promise<void> {
    const until = this.#until
    // Records of that time that came before it are where their partitions end.
    const open = partitions.filter((partition) => !this.#ends.has(keyOf({ topic: topic.name, partition })))
    if (until !== undefined && open.length > 0) await this.#lookUp(cluster, topic, open, until)
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

  async #lookUp(
    cluster: Cluster,
    topic: TopicInfo,
    partitions: readonly number[],
    until: EndPosition,
  ): Promise<void> {
    const deadline = new Deadline(DEADLINE_MS)
    const found = await startOffsets(cluster, topic, partitions, until, this.#isolation, deadline)
    for (const [partition, offset] of found) this.#ends.set(keyOf({ topic: topic.name, partition }), offset)
  }
}
