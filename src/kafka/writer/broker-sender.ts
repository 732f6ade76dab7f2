import type { BrokerConnection } from '../broker-connection.ts'
import type { Cluster } from '../cluster.ts'
import { type Acks, type ProduceAnswer, type ProducePart, produce } from '../wire/produce.ts'
import { backoffMs } from './backoff.ts'
import type { PartitionQueue } from './partition-queue.ts'

/** Requests in flight to one broker while it answers as usual. */
const USUAL_IN_FLIGHT = 2
/** And when the earlier ones are slow: one stuck partition must not hold up the others. */
const MOST_IN_FLIGHT = 6
/** Of them for partitions whose last try failed. */
const RETRIES_IN_FLIGHT = 2
const SLOW_MS = 100
const MAX_RECONNECT_MS = 250

/** What a request carries: batches of partitions that work, or of those that fail. One is never held up by the other. */
export type Lane = 'usual' | 'retry'

interface Occupied {
  readonly lane: Lane
  /** By performance.now(); connecting counts as well. */
  readonly since: number
}

/** What becomes of an attempt to get a connection. */
export interface Waiting {
  /** There is one now; `again` where the broker refused the last attempt. */
  ready(again: boolean): void
  failed(error: unknown): void
}

/**
 * The Produce connections to one broker. Each carries one request at a time, because a broker does not look at a
 * connection's next request before it has answered the last one, and with acks=all that can take seconds.
 */
export class BrokerSender {
  /** The partitions with something to send to this broker now. */
  readonly lanes: Readonly<Record<Lane, Set<PartitionQueue>>> = { usual: new Set(), retry: new Set() }
  readonly nodeId: number
  readonly #cluster: Cluster
  readonly #acks: Acks
  readonly #ackTimeoutMs: number
  readonly #waiting: Waiting
  #idle: BrokerConnection[] = []
  readonly #occupied = new Set<Occupied>()
  #closed = false
  /** Since when something has waited for a connection in vain, by performance.now(). */
  #fullSince: number | undefined
  /** The broker asks for nothing to be sent before this (KIP-219), by performance.now(). */
  #throttledUntil = 0
  /** Why no connection can be had, and until when none is tried. */
  #refused: { error: unknown; until: number } | undefined
  #refusals = 0

  /** A request that the broker itself has not finished after `ackTimeoutMs` is answered with an error. */
  constructor(cluster: Cluster, nodeId: number, acks: Acks, ackTimeoutMs: number, waiting: Waiting) {
    this.#cluster = cluster
    this.nodeId = nodeId
    this.#acks = acks
    this.#ackTimeoutMs = ackTimeoutMs
    this.#waiting = waiting
  }

  /**
   * A connection to send one request on, or undefined when there is none now: either all are busy, or one is being
   * opened and `ready` or `failed` follows.
   */
  acquire(lane: Lane): BrokerConnection | undefined {
    const now = performance.now()
    if (now < this.#throttledUntil) return undefined
    if (!this.#hasRoom(lane, now)) {
      this.#fullSince ??= now
      return undefined
    }
    this.#fullSince = undefined
    for (;;) {
      const connection = this.#idle.pop()
      if (connection === undefined) break
      if (connection.usable) return connection
    }
    if (this.#refused !== undefined && now < this.#refused.until) this.#waiting.failed(this.#refused.error)
    else void this.#open({ lane, since: now })
    return undefined
  }

  /** Whether everything sent to this broker would wait: records that may go elsewhere should. */
  isStalled(now: number): boolean {
    return this.#fullSince !== undefined && now - this.#fullSince > SLOW_MS
  }

  #hasRoom(lane: Lane, now: number): boolean {
    let slow = 0
    let own = 0
    for (const occupied of this.#occupied) {
      if (occupied.lane === lane) own++
      if (now - occupied.since > SLOW_MS) slow++
    }
    if (lane === 'retry') return own < RETRIES_IN_FLIGHT
    return own < Math.min(MOST_IN_FLIGHT, USUAL_IN_FLIGHT + slow)
  }

  async #open(opening: Occupied): Promise<void> {
    this.#occupied.add(opening)
    try {
      const connection = await this.#cluster.lease(this.nodeId, this.#ackTimeoutMs + 1_000)
      this.#occupied.delete(opening)
      const again = this.#refusals > 0
      this.#refused = undefined
      this.#refusals = 0
      if (this.#closed) return connection.destroy()
      this.#idle.push(connection)
      this.#waiting.ready(again)
    } catch (error) {
      this.#occupied.delete(opening)
      this.#refused = { error, until: performance.now() + backoffMs(this.#refusals++, MAX_RECONNECT_MS) }
      if (!this.#closed) this.#waiting.failed(error)
    }
  }

  /** Sends one Produce request. Rejects where no answer came: the broker may have appended all of it. */
  async send(
    connection: BrokerConnection,
    lane: Lane,
    parts: readonly ProducePart[],
  ): Promise<ProduceAnswer> {
    const occupied: Occupied = { lane, since: performance.now() }
    this.#occupied.add(occupied)
    try {
      const answer = await connection.call(produce, parts, this.#ackTimeoutMs, this.#acks)
      if (answer.throttleMs > 0) this.#throttledUntil = performance.now() + answer.throttleMs
      if (this.#closed) connection.destroy()
      else this.#idle.push(connection)
      return answer
    } catch (error) {
      connection.destroy()
      throw error
    } finally {
      this.#occupied.delete(occupied)
      this.#fullSince = undefined
    }
  }

  /** Takes back a connection that nothing was sent on. */
  giveBack(connection: BrokerConnection): void {
    this.#idle.push(connection)
  }

  close(): void {
    this.#closed = true
    for (const connection of this.#idle) connection.destroy()
    this.#idle = []
  }
}
