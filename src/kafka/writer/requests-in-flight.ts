import type { BrokerConnection } from '../broker-connection.ts'
import type { TopicInfo } from '../cluster.ts'
import type { PartitionQueue } from './partition-queue.ts'
import type { Batch } from './record-list.ts'

/** A request unanswered for this long is worth a look at who leads its partitions now, ms. */
const SLOW_MS = 1_000

export interface Sent {
  readonly queue: PartitionQueue
  readonly batch: Batch
}

/** A Produce request under way. */
export interface Request {
  readonly leader: number
  readonly connection: BrokerConnection
  readonly sent: readonly Sent[]
  /** By performance.now(). */
  readonly since: number
  checkedAt: number
}

/** The Produce requests under way, to all brokers. */
export class RequestsInFlight {
  readonly #requests = new Set<Request>()

  add(leader: number, connection: BrokerConnection, sent: readonly Sent[]): Request {
    const now = performance.now()
    const request = { leader, connection, sent, since: now, checkedAt: now }
    this.#requests.add(request)
    return request
  }

  delete(request: Request): void {
    this.#requests.delete(request)
  }

  /** The topics of requests that have been slow since they were last named here. */
  topicsToCheck(now: number): Set<string> {
    const topics = new Set<string>()
    for (const request of this.#requests) {
      if (now - request.checkedAt < SLOW_MS) continue
      request.checkedAt = now
      for (const { queue } of request.sent) topics.add(queue.topic)
    }
    return topics
  }

  /**
   * Ends slow requests to a broker that leads one of their partitions no more. What it appends yet it must give up again
   * when it comes back, so the new leader can have the same bytes.
   */
  leaveOldLeaders(info: TopicInfo, now: number): void {
    for (const { leader, connection, sent, since } of this.#requests) {
      const isElsewhere = ({ queue: { topic, partition } }: Sent) => {
        const current = topic === info.name ? (info.partitions[partition]?.leader ?? -1) : -1
        return current >= 0 && current !== leader
      }
      if (now - since > SLOW_MS && sent.some(isElsewhere)) connection.destroy()
    }
  }
}
