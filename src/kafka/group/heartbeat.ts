import { KafkaCode } from '../errors.ts'
import { heartbeat } from '../wire/group-apis.ts'
import type { GroupCoordinator } from './coordinator.ts'
import type { Neighbour } from './neighbour.ts'
import type { Identity } from './types.ts'
import { Backoff } from './waiting.ts'

export interface HeartbeatEvents {
  /** The group is in a rebalance: rejoin. */
  rebalancing(identity: Identity): void
  /** The answer says that this identity is not, or no more, the group's. */
  refused(identity: Identity, code: number): void
  /** The group may have given the member's partitions to others by now. Nothing is sent any more. */
  expired(): void
}

export interface HeartbeatOptions {
  readonly groupId: string
  readonly heartbeatMs: number
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
}

/** The first wait after a rebalance, ms, doubled each time: another one often follows at once. */
const FIRST_INTERVAL_MS = 10
/** What a neighbour just sent may take to reach the broker, ms. */
const SOON_MS = 2

/**
 * Tells the group that the member lives, one heartbeat at a time, and watches the session on our own clock: counted from
 * when the last answered heartbeat was *sent*, so that it never ends later than the broker's, which counts from when it
 * was received. It goes on during a rebalance, where an answer REBALANCE_IN_PROGRESS extends the session as well.
 */
export class Heartbeat {
  readonly #coordinator: GroupCoordinator
  readonly #neighbour: Neighbour
  readonly #options: HeartbeatOptions
  readonly #events: HeartbeatEvents
  readonly #backoff = new Backoff()
  #identity: Identity | undefined
  #interval = FIRST_INTERVAL_MS
  #timer: NodeJS.Timeout | undefined
  #sending = false
  #aliveAt = 0
  /** The group was not yet in a rebalance then. */
  #stableAt = 0
  /** The latest that the group waits for the member to rejoin, on the clock of performance.now(). */
  #rejoinBy = Infinity
  #joinUnderWay = false
  #expiry: NodeJS.Timeout | undefined

  constructor(
    coordinator: GroupCoordinator,
    neighbour: Neighbour,
    options: HeartbeatOptions,
    events: HeartbeatEvents,
  ) {
    this.#coordinator = coordinator
    this.#neighbour = neighbour
    this.#options = options
    this.#events = events
  }

  /** Goes on for a new generation. `at` is when the member was surely alive, on the clock of performance.now(). */
  start(identity: Identity, at: number): void {
    this.#identity = identity
    this.#interval = FIRST_INTERVAL_MS
    this.#rejoinBy = Infinity
    this.#joinUnderWay = false
    this.alive(at)
    this.#stableAt = this.#aliveAt
    this.#neighbour.moveIn(() => this.#soon())
    if (this.#sending) return
    clearTimeout(this.#timer)
    this.#schedule(this.#interval)
  }

  stop(): void {
    this.#identity = undefined
    this.#aliveAt = 0
    this.#neighbour.moveOut()
    clearTimeout(this.#timer)
    clearTimeout(this.#expiry)
    this.#expiry = undefined
  }

  /** Something sent at this moment was answered as to a living member. */
  alive(at: number): void {
    if (this.#identity === undefined) return
    this.#aliveAt = Math.max(this.#aliveAt, at)
    this.#expiry ??= setTimeout(() => this.#checkExpiry(), Math.max(0, this.#left))
  }

  /** A JoinGroup is on its way: from now on the group waits for the others, not for us. */
  joinSent(): void {
    this.#joinUnderWay = true
    this.#rejoinBy = Infinity
    this.#neighbour.tell()
  }

  get joinUnderWay(): boolean {
    return this.#joinUnderWay
  }

  /** The JoinGroup was answered, or will not be. */
  joinOver(): void {
    this.#joinUnderWay = false
  }

  /** Whether others may own the partitions by now. */
  get expired(): boolean {
    return this.#identity !== undefined && this.#left <= 0
  }

  get #left(): number {
    return Math.min(this.#aliveAt + this.#options.sessionTimeoutMs, this.#rejoinBy) - performance.now()
  }

  #checkExpiry(): void {
    this.#expiry = undefined
    if (this.#identity === undefined) return
    if (this.#left > 0) {
      this.#expiry = setTimeout(() => this.#checkExpiry(), this.#left)
      return
    }
    this.stop()
    this.#events.expired()
  }

  /** A rebalance is likely: asks now rather than at the end of the interval, and more often for a while. */
  #soon(): void {
    this.#interval = FIRST_INTERVAL_MS
    if (this.#identity === undefined || this.#sending) return
    clearTimeout(this.#timer)
    this.#schedule(SOON_MS)
  }

  #schedule(ms: number): void {
    this.#timer = setTimeout(() => void this.#send(), ms)
  }

  async #send(): Promise<void> {
    const identity = this.#identity
    if (identity === undefined) return
    this.#sending = true
    const sentAt = performance.now()
    let wait: number
    try {
      const { groupId } = this.#options
      const { errorCode } = await this.#coordinator.call(
        heartbeat,
        groupId,
        identity.generation,
        identity.memberId,
        identity.instanceId,
      )
      wait = this.#read(errorCode, identity, sentAt)
    } catch {
      // No coordinator to be had: asked again until there is one, or the session has run out.
      wait = this.#backoff.next()
    }
    this.#sending = false
    if (this.#identity !== undefined) this.#schedule(wait)
  }

  /** What an answer means, and how long to wait before the next heartbeat, ms. */
  #read(code: number, identity: Identity, sentAt: number): number {
    // Stopped, or in another generation by now: of no interest. An expired session is not revived by a late answer.
    if (identity !== this.#identity) return this.#interval
    if (this.#coordinator.retriable(code)) return this.#backoff.next()
    if (this.#left <= 0) {
      this.#checkExpiry()
      return this.#interval
    }
    if (code === KafkaCode.NONE) {
      this.#stableAt = sentAt
      this.alive(sentAt)
    } else if (code === KafkaCode.REBALANCE_IN_PROGRESS) {
      this.alive(sentAt)
      if (!this.#joinUnderWay) {
        this.#neighbour.tell()
        this.#rejoinWithin(this.#stableAt + this.#options.rebalanceTimeoutMs)
      }
      this.#events.rebalancing(identity)
    } else {
      this.#events.refused(identity, code)
      return this.#backoff.next()
    }
    this.#backoff.reset()
    const wait = this.#interval
    // Three tries fit into a session, whatever the settings.
    this.#interval = Math.min(wait * 2, this.#options.heartbeatMs, this.#options.sessionTimeoutMs / 3)
    return wait
  }

  #rejoinWithin(by: number): void {
    if (this.#rejoinBy !== Infinity) return
    this.#rejoinBy = by
    clearTimeout(this.#expiry)
    this.#expiry = setTimeout(() => this.#checkExpiry(), Math.max(0, this.#left))
  }
}
