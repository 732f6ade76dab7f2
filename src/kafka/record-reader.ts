import type { Problem } from '../problems/problem.ts'
import type { Cluster } from './cluster.ts'
import { Deadline } from './deadline.ts'
import { KafkaCode, problemFromKafka, problemFromKafkaCode } from './errors.ts'
import { AssignedPartition } from './reader/assigned-partition.ts'
import { decodeAnswer } from './reader/decode-answer.ts'
import { EventQueue } from './reader/event-queue.ts'
import type { LostReason, PartitionPosition, ReaderEvent } from './reader/events.ts'
import { type FetchBounds, FetchLoop, type LoopOwner } from './reader/fetch-loop.ts'
import { type Bounds, findBounds } from './reader/offset-finder.ts'
import { Placement, type PlacementOwner } from './reader/placement.ts'
import type { FetchedPartition, Isolation } from './wire/fetch.ts'
import { keyOf, type TopicPartition } from './topic-partition.ts'

export type { PartitionPosition, ReaderEvent } from './reader/events.ts'
export type { FetchedRecord } from '../records/fetched-record.ts'
export type { Isolation } from './wire/fetch.ts'

export interface RecordReaderOptions {
  readonly isolation: Isolation
  /** Bytes of one fetch answer; a single batch larger than that still comes. */
  readonly maxBytes?: number
  /** Milliseconds a broker waits for the first byte. Assigning another partition of that broker waits as long at most. */
  readonly maxWaitMs?: number
  /**
   * Bytes of records waiting to be taken past which no fetch is started. What waits is at most this, one fetch answer
   * for each broker, and what compressed batches unfold into.
   */
  readonly bufferBytes?: number
}

const DEFAULTS = { maxBytes: 1_048_576, maxWaitMs: 200, bufferBytes: 2_097_152 }
const BOUNDS_TIMEOUT_MS = 2_000

/**
 * Reads a changing set of partitions without end, for one stream: next() gives what came. It goes on by itself through
 * lost connections, dead brokers and moved leaders; it says so when a position is gone for good.
 */
export class RecordReader {
  readonly #cluster: Cluster
  readonly #bounds: FetchBounds
  readonly #bufferBytes: number
  readonly #assigned = new Map<string, AssignedPartition>()
  /** Partitions that were assigned or unassigned since events were last taken. */
  readonly #moved = new Set<string>()
  readonly #queue = new EventQueue(
    () => this.#wakeLoops(),
    () => this.#moved.clear(),
  )
  readonly #loops = new Map<number, FetchLoop>()
  readonly #owner = this.#ownership()
  readonly #placement: Placement
  #trouble: Problem | undefined
  #closed = false

  constructor(cluster: Cluster, options: RecordReaderOptions) {
    const { isolation, maxBytes, maxWaitMs, bufferBytes } = { ...DEFAULTS, ...options }
    this.#cluster = cluster
    this.#bounds = { isolation, maxBytes, maxWaitMs }
    this.#bufferBytes = bufferBytes
    this.#placement = new Placement(cluster, this.#owner)
  }

  /** Why nothing comes: the newest failure to reach Kafka, until a fetch succeeds again. */
  get trouble(): Problem | undefined {
    return this.#trouble
  }

  /** Adds partitions, each to be read from its offset. One that is being read is repositioned. */
  assign(positions: readonly PartitionPosition[]): void {
    if (this.#closed) return
    this.unassign(positions)
    for (const position of positions) {
      const partition = new AssignedPartition(position)
      this.#assigned.set(keyOf(position), partition)
      this.#placement.add(partition)
    }
  }

  /**
   * Whether what was last taken of a partition may still be used: it has been assigned all the while, and not repositioned.
   * Between next() and whoever waits for it others may have their turn.
   */
  isCurrent(partition: TopicPartition): boolean {
    return !this.#moved.has(keyOf(partition))
  }

  /** Stops reading partitions. No event of theirs is given out any more. */
  unassign(partitions: readonly TopicPartition[]): void {
    for (const key of partitions) {
      this.#moved.add(keyOf(key))
      const partition = this.#assigned.get(keyOf(key))
      if (partition === undefined) continue
      this.#assigned.delete(keyOf(key))
      this.#stop(partition)
      this.#queue.drop(partition)
    }
  }

  /** Repositions partitions that are being read, or were until lost; others are passed over. */
  seek(positions: readonly (TopicPartition & { readonly offset: number })[]): void {
    this.assign(
      positions.flatMap((position) => {
        const partition = this.#assigned.get(keyOf(position))
        return partition === undefined ? [] : [{ ...position, topicId: partition.topicId }]
      }),
    )
  }

  /**
   * What came since the last call, as soon as there is something; an empty list once closed. One call at a time.
   * @throws the signal's reason; Problem internal_error or shutting_down where reading can't go on
   */
  next(signal?: AbortSignal): Promise<ReaderEvent[]> {
    return this.#queue.take(signal)
  }

  /** Stops reading. Connections go back once the fetches under way have been answered. */
  close(): void {
    this.#closed = true
    for (const partition of this.#assigned.values()) this.#stop(partition)
    this.#assigned.clear()
    this.#queue.close()
  }

  #stop(partition: AssignedPartition): void {
    this.#placement.remove(partition)
    for (const loop of this.#loops.values()) loop.remove(partition)
  }

  #wakeLoops(): void {
    for (const loop of this.#loops.values()) loop.wake()
  }

  /** What the loops and the placement call, kept out of what the stream sees. */
  #ownership(): LoopOwner & PlacementOwner {
    const hasRoom = () => this.#queue.bytes < this.#bufferBytes
    return {
      get hasRoom() {
        return hasRoom()
      },
      fetched: (partition, fetched, loop) => this.#fetched(partition, fetched, loop),
      failed: (partitions, error) => {
        if (!this.#troubled(problemFromKafka(error))) return
        for (const partition of partitions) this.#tryAgain(partition)
      },
      stalled: (loop) => this.#stalled(loop),
      placed: (partition, nodeId) => this.#loopOf(nodeId).add(partition),
      lost: (partition, reason) => {
        if (reason === 'topic_recreated') void this.#lostAmong(partition, reason)
        else this.#lost(partition, reason)
      },
      troubled: (problem) => this.#troubled(problem),
    }
  }

  #loopOf(nodeId: number): FetchLoop {
    let loop = this.#loops.get(nodeId)
    if (loop === undefined) {
      loop = new FetchLoop(nodeId, this.#cluster, this.#bounds, this.#owner)
      this.#loops.set(nodeId, loop)
    }
    return loop
  }

  /** Answers whether the position moved. */
  #fetched(partition: AssignedPartition, fetched: FetchedPartition, loop: FetchLoop): boolean {
    if (fetched.errorCode !== KafkaCode.NONE) {
      this.#refused(partition, fetched.errorCode)
      return false
    }
    this.#trouble = undefined
    const { event, moved, fault } = decodeAnswer(partition, fetched, this.#bounds)
    if (event !== undefined) this.#queue.push(partition, event)
    if (fault === undefined) partition.succeeded()
    else {
      loop.remove(partition)
      this.#damaged(partition, fault)
    }
    return moved
  }

  /** A partition has left its loop with an error code. */
  #refused(partition: AssignedPartition, errorCode: number): void {
    if (errorCode === KafkaCode.OFFSET_OUT_OF_RANGE) void this.#lostAmong(partition, 'out_of_range')
    else if (errorCode === KafkaCode.TOPIC_AUTHORIZATION_FAILED) this.#lost(partition, 'not_authorized')
    else if (errorCode === KafkaCode.CORRUPT_MESSAGE)
      this.#damaged(partition, 'the broker finds its log damaged')
    else {
      // The leader moved, or is about to; or the topic is gone, which metadata will show.
      this.#trouble = problemFromKafkaCode(errorCode)
      this.#tryAgain(partition)
    }
  }

  #damaged(partition: AssignedPartition, reason: string): void {
    const { topic, partition: number, position } = partition
    if (partition.faultAt === position) {
      this.#queue.push(partition, { kind: 'corrupt', topic, partition: number, offset: position, reason })
      return
    }
    partition.faultAt = position
    this.#tryAgain(partition)
  }

  #tryAgain(partition: AssignedPartition): void {
    partition.putOff()
    this.#placement.add(partition)
  }

  #lost(partition: AssignedPartition, reason: LostReason, bounds?: Bounds): void {
    const { topic, partition: number } = partition
    this.#queue.push(partition, { kind: 'lost', topic, partition: number, reason, ...bounds })
  }

  /** The position is gone, but there are others: says between which bounds, where that can be found out soon. */
  async #lostAmong(partition: AssignedPartition, reason: LostReason): Promise<void> {
    const { topic, partition: number, topicId } = partition
    const { isolation } = this.#bounds
    let bounds: Bounds | undefined
    try {
      const info = await this.#cluster.topic(topic)
      const isMeant = (info?.id === topicId) === (reason === 'out_of_range')
      if (info?.partitions[number] !== undefined && isMeant) {
        const deadline = new Deadline(BOUNDS_TIMEOUT_MS)
        const found = await findBounds(this.#cluster, info, [number], isolation, deadline)
        bounds = found.get(number)
      }
    } catch {
      // The event is worth more than the bounds in it.
    }
    if (this.#assigned.get(keyOf(partition)) === partition) this.#lost(partition, reason, bounds)
  }

  /** A broker is silent: moves the partitions that metadata shows at another by now. */
  #stalled(loop: FetchLoop): void {
    for (const topic of new Set([...loop.partitions].map((p) => p.topic))) {
      this.#cluster.refreshTopic(topic).then(
        (info) => {
          for (const partition of loop.partitions) {
            if (partition.topic !== topic || info?.id !== partition.topicId) continue
            const leader = info.partitions[partition.partition]?.leader ?? -1
            if (leader < 0 || leader === loop.nodeId || !loop.remove(partition)) continue
            this.#placement.add(partition)
            if (loop.partitions.size === 0) loop.abandon()
          }
        },
        (error: unknown) => this.#troubled(problemFromKafka(error)),
      )
    }
  }

  /** Answers whether trying again can mend it. */
  #troubled(problem: Problem): boolean {
    this.#trouble = problem
    const isFinal = problem.code === 'internal_error' || problem.code === 'shutting_down'
    if (isFinal) this.#queue.fail(problem)
    return !isFinal
  }
}
