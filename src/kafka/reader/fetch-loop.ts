import type { BrokerConnection } from '../broker-connection.ts'
import type { Cluster } from '../cluster.ts'
import { KafkaCode, problemFromKafkaCode } from '../errors.ts'
import {
  fetch,
  type FetchAnswer,
  type FetchedPartition,
  type FetchRequest,
  type Isolation,
} from '../wire/fetch.ts'
import type { AssignedPartition } from './assigned-partition.ts'
import { Signal } from './signal.ts'

export interface FetchBounds {
  readonly isolation: Isolation
  /** Bytes of one fetch answer. */
  readonly maxBytes: number
  /** Milliseconds a broker may wait for the first byte. */
  readonly maxWaitMs: number
}

/** Whoever owns the loops: takes what they fetch and the partitions they give up. */
export interface LoopOwner {
  /** Whether more may be fetched now. After it was not, wake() says when to ask again. */
  readonly hasRoom: boolean
  /** Answers whether the partition's position moved. A partition with an error code has left the loop already. */
  fetched(partition: AssignedPartition, fetched: FetchedPartition, loop: FetchLoop): boolean
  /** The broker didn't answer; the partitions have left the loop. */
  failed(partitions: AssignedPartition[], error: unknown): void
  /** The broker has not answered for a while; called again and again until it does. */
  stalled(loop: FetchLoop): void
}

/** A broker silent for so long beyond maxWaitMs may have lost its partitions to others. */
const STALL_MS = 2_000
/** Pause after an answer that came at once and moved nothing. */
const IDLE_PAUSE_MS = 50

/**
 * Fetches one reader's partitions that one broker leads, over and over, on a connection of its own. It runs while it
 * has partitions; the next fetch goes out as soon as the last has been handed on.
 */
export class FetchLoop {
  readonly nodeId: number
  readonly #cluster: Cluster
  readonly #bounds: FetchBounds
  readonly #owner: LoopOwner
  /** In the order in which they may fill the next answer. */
  readonly #partitions = new Set<AssignedPartition>()
  readonly #signal = new Signal()
  #connection: BrokerConnection | undefined
  #running = false

  constructor(nodeId: number, cluster: Cluster, bounds: FetchBounds, owner: LoopOwner) {
    this.nodeId = nodeId
    this.#cluster = cluster
    this.#bounds = bounds
    this.#owner = owner
  }

  get partitions(): ReadonlySet<AssignedPartition> {
    return this.#partitions
  }

  add(partition: AssignedPartition): void {
    this.#partitions.add(partition)
    if (!this.#running) void this.#run()
  }

  /** Whether the partition was in this loop. What is under way for it will be dropped. */
  remove(partition: AssignedPartition): boolean {
    const had = this.#partitions.delete(partition)
    if (had) this.#signal.raise()
    return had
  }

  /** Room was made. */
  wake(): void {
    this.#signal.raise()
  }

  /** Gives up on what is under way: its broker is silent and leads none of the partitions any more. */
  abandon(): void {
    this.#connection?.destroy()
  }

  async #run(): Promise<void> {
    this.#running = true
    try {
      while (this.#partitions.size > 0) {
        if (!this.#owner.hasRoom) await this.#signal.wait()
        else await this.#fetchOnce()
      }
      if (this.#connection !== undefined) this.#cluster.release(this.#connection)
    } catch (error) {
      this.#connection?.destroy()
      const partitions = [...this.#partitions]
      this.#partitions.clear()
      this.#owner.failed(partitions, error)
    } finally {
      this.#connection = undefined
      this.#running = false
      // One may have been added while the last turn was ending.
      if (this.#partitions.size > 0) void this.#run()
    }
  }

  async #fetchOnce(): Promise<void> {
    this.#connection ??= await this.#watched(this.#cluster.lease(this.nodeId))
    if (this.#partitions.size === 0) return
    const asked = new Map([...this.#partitions].map((p) => [`${p.topicId} ${p.partition}`, p]))
    const request = this.#request()
    const sentAt = performance.now()
    const answer = await this.#watched(this.#connection.call(fetch, request))
    if (answer.errorCode !== KafkaCode.NONE) throw problemFromKafkaCode(answer.errorCode)
    const moved = this.#handOn(answer, asked)
    // KIP-219: the broker has mute the connection for so long; asking earlier only looks like a broker that hangs.
    if (answer.throttleTimeMs > 0) await this.#signal.wait(answer.throttleTimeMs)
    else if (!moved && performance.now() - sentAt < Math.min(IDLE_PAUSE_MS, request.maxWaitMs)) {
      await this.#signal.wait(IDLE_PAUSE_MS)
    }
  }

  #request(): FetchRequest {
    const { isolation, maxBytes } = this.#bounds
    // The first answer for a partition tells where its end is: it must not wait for somebody to write.
    const hasNew = [...this.#partitions].some((p) => !p.answered)
    const maxWaitMs = hasNew ? 0 : this.#bounds.maxWaitMs
    const byTopic = Map.groupBy(this.#partitions, (p) => p.topicId)
    return {
      isolation,
      maxBytes,
      maxWaitMs,
      topics: [...byTopic].map(([topicId, partitions]) => ({
        topicId,
        partitions: partitions.map(({ partition, leaderEpoch, position }) => ({
          partition,
          leaderEpoch,
          offset: position,
          maxBytes,
        })),
      })),
    }
  }

  #handOn(answer: FetchAnswer, asked: Map<string, AssignedPartition>): boolean {
    let anyMoved = false
    for (const fetched of answer.partitions) {
      const partition = asked.get(`${fetched.topicId} ${fetched.partition}`)
      if (partition === undefined || !this.#partitions.has(partition)) continue
      partition.answered = true
      if (fetched.errorCode !== KafkaCode.NONE) this.#partitions.delete(partition)
      const moved = this.#owner.fetched(partition, fetched, this)
      anyMoved ||= moved
      // To the end of the order: the others come first the next time, so a busy partition can't starve them.
      if (moved && this.#partitions.delete(partition)) this.#partitions.add(partition)
    }
    return anyMoved
  }

  /** The promise's result, with the owner told for as long as it is late. */
  async #watched<T>(promise: Promise<T>): Promise<T> {
    const timer = setInterval(() => this.#owner.stalled(this), this.#bounds.maxWaitMs + STALL_MS)
    try {
      return await promise
    } finally {
      clearInterval(timer)
    }
  }
}
