import type { BrokerConnection } from '../broker-connection.ts'
import type { Cluster } from '../cluster.ts'
import { type ProduceAnswer, type ProducePart, produce } from '../wire/produce.ts'

/** Requests in flight to one broker while it answers as usual. */
const USUAL_IN_FLIGHT = 2
/** And when the earlier ones are slow: one stuck partition must not hold up the others. */
const MOST_IN_FLIGHT = 6
const SLOW_MS = 100

/**
 * The Produce connections to one broker. Each carries one request at a time, because a broker does not look at a
 * connection's next request before it has answered the last one, and with acks=all that can take seconds.
 */
export class BrokerSender {
  readonly #cluster: Cluster
  readonly #nodeId: number
  readonly #ackTimeoutMs: number
  #idle: BrokerConnection[] = []
  /** When each request under way was sent; connecting counts as well. */
  readonly #startedAt = new Set<{ at: number }>()

  /** A request that the broker itself has not finished after `ackTimeoutMs` is answered with an error. */
  constructor(cluster: Cluster, nodeId: number, ackTimeoutMs: number) {
    this.#cluster = cluster
    this.#nodeId = nodeId
    this.#ackTimeoutMs = ackTimeoutMs
  }

  /**
   * A connection to send one request on, or undefined when there is none now: `ready` is called once one has opened,
   * `failed` when it can't be.
   */
  acquire(ready: () => void, failed: (error: unknown) => void): BrokerConnection | undefined {
    for (;;) {
      const connection = this.#idle.pop()
      if (connection === undefined) break
      if (connection.usable) return connection
    }
    const now = performance.now()
    let slow = 0
    for (const { at } of this.#startedAt) if (now - at > SLOW_MS) slow++
    if (this.#startedAt.size >= Math.min(MOST_IN_FLIGHT, USUAL_IN_FLIGHT + slow)) return undefined
    const opening = { at: now }
    this.#startedAt.add(opening)
    this.#open().then(
      (connection) => {
        this.#startedAt.delete(opening)
        this.#idle.push(connection)
        ready()
      },
      (error: unknown) => {
        this.#startedAt.delete(opening)
        failed(error)
      },
    )
    return undefined
  }

  async #open(): Promise<BrokerConnection> {
    return this.#cluster.lease(this.#nodeId, this.#ackTimeoutMs + 1_000)
  }

  /** Sends one Produce request. Rejects where no answer came: the broker may have appended all of it. */
  async send(connection: BrokerConnection, parts: readonly ProducePart[]): Promise<ProduceAnswer> {
    const started = { at: performance.now() }
    this.#startedAt.add(started)
    try {
      const answer = await connection.call(produce, parts, this.#ackTimeoutMs)
      this.#putBack(connection, answer.throttleMs)
      return answer
    } catch (error) {
      connection.destroy()
      throw error
    } finally {
      this.#startedAt.delete(started)
    }
  }

  /** A quota holds the connection back on the broker's side too (KIP-219); waiting here keeps the time-out honest. */
  #putBack(connection: BrokerConnection, throttleMs: number): void {
    if (throttleMs > 0) setTimeout(() => this.#idle.push(connection), throttleMs).unref()
    else this.#idle.push(connection)
  }

  close(): void {
    for (const connection of this.#idle) connection.destroy()
    this.#idle = []
  }
}
