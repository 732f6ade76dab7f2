import type { WsConnection } from './connection.ts'
import { DeliveryTracker, type PartitionOffset } from './delivery-tracker.ts'
import type { Window } from './window.ts'
import type { TopicPartition } from '../kafka/topic-partition.ts'

/**
 * What a client has of what it was sent: up to each ping that it answered, or up to what it acks; or nobody wants to know.
 */
export class Receipts {
  readonly #connection: WsConnection
  readonly #by: 'pong' | 'ack' | undefined
  readonly #window: Window | undefined
  readonly #tracker = new DeliveryTracker()
  /** Called whenever something was received. */
  #onReceived: (() => void) | undefined

  constructor(connection: WsConnection, by: 'pong' | 'ack' | undefined, window: Window | undefined) {
    this.#connection = connection
    this.#by = by
    this.#window = window
  }

  /** The partitions are sent from these positions on; nothing is heard any more of what was sent of them before. */
  assigned(positions: readonly PartitionOffset[]): void {
    if (this.#by === undefined) return
    for (const { topic, partition, offset } of positions) this.#tracker.assigned(topic, partition, offset)
  }

  removed(partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) this.#tracker.removed(topic, partition)
  }

  delivered(topic: string, partition: number, lastRecord: number, position: number): void {
    if (this.#by !== undefined) this.#tracker.delivered(topic, partition, lastRecord, position)
  }

  /** Has the client's WebSocket layer prove that it has what was sent so far. */
  ping(): void {
    if (this.#by !== 'pong') return
    const ticket = this.#tracker.ticket()
    if (ticket !== undefined) this.#connection.sendTicket(ticket)
  }

  /** What can be committed for a pong. */
  pong(ticket: number): PartitionOffset[] {
    if (this.#by !== 'pong') return []
    const commits = this.#received(this.#tracker.pong(ticket))
    // What had to wait since too many pings were under way.
    this.ping()
    return commits
  }

  /** What can be committed for an ack, and the acked offsets that were never delivered. */
  ack(offsets: readonly PartitionOffset[]): { commits: PartitionOffset[]; unknown: PartitionOffset[] } {
    const commits: PartitionOffset[] = []
    const unknown: PartitionOffset[] = []
    for (const offset of offsets) {
      const commit = this.#tracker.ack(offset)
      if (commit === 'unknown') unknown.push(offset)
      else if (commit !== undefined) commits.push(commit)
    }
    return { commits: this.#received(commits), unknown }
  }

  #received(offsets: PartitionOffset[]): PartitionOffset[] {
    if (offsets.length > 0) this.#window?.received(offsets)
    this.#onReceived?.()
    return offsets
  }

  /** Waits a moment for the client to have acked, or its pongs to have proved, all that was sent of the partitions. */
  async settle(ms: number, partitions?: readonly TopicPartition[]): Promise<void> {
    this.ping()
    const deadline = performance.now() + ms
    while (this.#tracker.awaits(partitions) && !this.#connection.signal.aborted) {
      const left = deadline - performance.now()
      if (left <= 0) return
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, left)
      this.#onReceived = resolve
      await promise
      clearTimeout(timer)
    }
  }
}
