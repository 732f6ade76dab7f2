import type { PartitionOffset } from './delivery-tracker.ts'
import type { Feed } from './feed.ts'

/** How a socket ends: for good, so that its client may be back at any gateway, or since this gateway shuts down. */
export type Ending = 'closed' | 'dropped' | 'draining'

/** What a socket has subscribed to. */
export interface Subscription {
  /** What the client may say of how its records come. */
  readonly feed: Feed
  /** Begins; `assigned` frames may be sent already. @throws Problem where it can't be had */
  start(): Promise<void>
  /** Delivers until the socket is gone. */
  run(): Promise<void>
  pong(ticket: number): void
  /** @throws Problem unknown_delivery */
  ack(offsets: readonly PartitionOffset[]): void
  /**
   * Commits what may be committed, leaves the group or has its place in it kept, lets go of Kafka. A client that is still
   * there gets `settleMs` to ack what was sent to it.
   */
  stop(ending: Ending, settleMs?: number): Promise<void>
}
