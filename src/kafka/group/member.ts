import { Problem } from '../../problems/problem.ts'
import type { Cluster } from '../cluster.ts'
import { Callbacks } from './callbacks.ts'
import { Committer } from './committer.ts'
import { GroupCoordinator } from './coordinator.ts'
import { problemOf } from './group-error.ts'
import { Holdings } from './holdings.ts'
import { sendLeave } from './leave.ts'
import { Membership, type Phase } from './membership.ts'
import { Neighbour } from './neighbour.ts'
import { TopicWatch } from './topic-watch.ts'
import type { GroupLog, GroupMemberHandlers, GroupMemberOptions, PartitionOffset } from './types.ts'
import { Signal, within } from './waiting.ts'
import type { TopicPartition } from '../topic-partition.ts'

export type * from './types.ts'

export type GroupMemberState = 'new' | Phase | 'leaving' | 'left' | 'failed'

const REVOKE_TIMEOUT_MS = 5_000
/** leave() is over by then, ms; the first part of it is for commits under way. */
const LEAVE_TIMEOUT_MS = 1_500
const LEAVE_FLUSH_MS = 500

/**
 * A member of a consumer group by Kafka's classic protocol with the cooperative-sticky assignor (KIP-429): only what a
 * rebalance takes away is given up, after it was committed; the rest is read on meanwhile.
 *
 *            start()    ┌─────────── another rebalance, topics changed, partitions given up ───────────┐
 *               │       │                                                                              │
 *     new ──────┴──► joining ── JoinGroup ──► syncing ── SyncGroup ──► revoking ── assigned() ──► stable
 *                       ▲     (all have come)                      revoked(), commit()                 │
 *                       └────── lost(): the session expired, unknown member, old generation ───────────┘
 *                                                 (from every state)
 *     from every state:   leave() ──► leaving ──► left
 *                         not allowed, group full, no common assignor ──► failed
 *
 * Two generations count. Heartbeats are signed with the one that JoinGroup answered; commits only with one whose SyncGroup
 * was answered too, since between the two the group takes none.
 */
export class GroupMember {
  readonly #options: GroupMemberOptions
  #handlers: GroupMemberHandlers
  readonly #log: GroupLog
  readonly #coordinator: GroupCoordinator
  readonly #neighbour: Neighbour
  readonly #callbacks: Callbacks
  readonly #holdings: Holdings
  readonly #membership: Membership
  readonly #committer: Committer
  /** Notified when the identity, its standing or what is owned changes. */
  readonly #changed = new Signal()
  readonly #started = Promise.withResolvers<void>()
  /** Where the member is outside of its rounds. */
  #outside: 'new' | 'leaving' | 'left' | 'failed' | undefined = 'new'
  #running = false
  #ending: Promise<void> | undefined

  constructor(cluster: Cluster, options: GroupMemberOptions, handlers: GroupMemberHandlers, log: GroupLog) {
    const { groupId, rebalanceTimeoutMs, revokeTimeoutMs = REVOKE_TIMEOUT_MS } = options
    const topics = TopicWatch.of(cluster)
    const told: GroupMemberHandlers = {
      assigned: (partitions) => this.#handlers.assigned(partitions),
      revoked: (partitions) => this.#handlers.revoked(partitions),
      lost: (partitions) => this.#handlers.lost(partitions),
      failed: (problem) => this.#handlers.failed(problem),
    }
    const changed = this.#changed
    this.#options = options
    this.#handlers = handlers
    this.#log = log
    const coordinator = (this.#coordinator = new GroupCoordinator(cluster, options))
    const neighbour = (this.#neighbour = new Neighbour(cluster, groupId))
    const callbacks = (this.#callbacks = new Callbacks(
      Math.min(revokeTimeoutMs, rebalanceTimeoutMs / 2),
      log,
    ))
    const holdings = (this.#holdings = new Holdings({
      groupId,
      coordinator,
      topics,
      handlers: told,
      callbacks,
      changed,
      log,
      failed: (error) => this.#fail(problemOf(error)),
    }))
    this.#membership = new Membership({
      options,
      coordinator,
      topics,
      neighbour,
      holdings,
      changed,
      log,
      running: () => {
        this.#running = true
        this.#started.resolve()
      },
      failed: (problem) => this.#fail(problem),
    })
    this.#committer = new Committer(coordinator, groupId, {
      claim: (partition) => holdings.get(partition),
      identity: () => this.#membership.standing.committing,
      changed,
      refused: (identity, code) => this.#membership.refused(identity, code),
    })
  }

  get state(): GroupMemberState {
    return this.#outside ?? this.#membership.phase
  }

  /** '' before the broker has given one. */
  get memberId(): string {
    return this.#membership.standing.memberId
  }

  /** The last generation whose assignment was taken; -1 for none. */
  get generation(): number {
    return this.#membership.standing.generation
  }

  /** Whether a member that comes back has found its place kept: nobody else had its partitions. Known once it has joined. */
  get kept(): boolean {
    return this.#membership.kept
  }

  /**
   * Nobody reads any more: the member keeps what it has, and in rebalances gets nothing more that another could read. The
   * handlers that were told until now are let go of; these are told from the next call on.
   */
  goAway(handlers: GroupMemberHandlers): void {
    this.#handlers = handlers
    this.#membership.away()
  }

  /** Whether the partition is the member's at this moment, by its own clock too: what was read from it may be delivered. */
  owns(partition: TopicPartition): boolean {
    return !this.#membership.expired() && this.#holdings.get(partition) !== undefined
  }

  /** Reads these topics in place of those before. Before start() too. */
  subscribe(topics: readonly string[]): void {
    this.#membership.subscribe(topics)
  }

  /**
   * Joins the group. Resolves after the first assignment, which may be empty, has been handed to `assigned`.
   * @throws Problem kafka_authorization, kafka_auth_failed, group_incompatible, group_full, session_timeout_refused,
   * invalid_subscription; kafka_unavailable where the coordinator was not reached in 10 s
   */
  start(): Promise<void> {
    if (this.#outside === 'new') {
      this.#outside = undefined
      void this.#membership.run()
    }
    return this.#started.promise
  }

  /**
   * Commits offsets of partitions owned now. During a rebalance it is done in whichever generation the group is in, as
   * long as the partition stays with the member. Calls may overlap: a later one for the same partition speaks for both.
   * @throws Problem stale_member, invalid_offset, topic_not_found, kafka_authorization; kafka_unavailable after 10 s
   */
  async commit(offsets: readonly PartitionOffset[]): Promise<void> {
    // May find out that the session is over, which takes the partitions away.
    this.#membership.expired()
    await this.#committer.commit(offsets)
  }

  /** Leaves at once, so that others get the partitions at once. Takes 1.5 s at most; nothing is called back after it. */
  leave(): Promise<void> {
    return this.#leaveOnce(true)
  }

  /**
   * Ends without a word to the group, which keeps the place of a static member until its session expires. Otherwise as
   * leave().
   */
  abandon(): Promise<void> {
    return this.#leaveOnce(false)
  }

  #leaveOnce(tell: boolean): Promise<void> {
    if (this.#outside === 'failed') return Promise.resolve()
    return (this.#ending ??= this.#leave(tell))
  }

  async #leave(tell: boolean): Promise<void> {
    const by = performance.now() + LEAVE_TIMEOUT_MS
    this.#outside = 'leaving'
    this.#callbacks.close()
    await within(this.#committer.idle(), LEAVE_FLUSH_MS)
    if (tell && this.#membership.awaitsName) await within(this.#changed.wait(), LEAVE_FLUSH_MS)
    await this.#end(by, tell)
    this.#outside = 'left'
    // Whoever leaves may not wait for start() any more.
    this.#started.promise.catch(() => {})
    this.#started.reject(new Problem('stale_member', { detail: 'The member left before it had joined.' }))
  }

  #fail(problem: Problem): void {
    if (this.#ending !== undefined) return
    const { groupId, clientInfo } = this.#options
    const isSuperseded = problem.code === 'superseded'
    if (isSuperseded) this.#log.debug({ groupId, clientInfo }, 'another has the place of the group member')
    else this.#log.warn({ groupId, clientInfo, err: problem }, 'the group member gives up')
    this.#outside = 'failed'
    // Whoever came in its place has it: there is nothing to leave.
    this.#ending = this.#end(performance.now() + LEAVE_TIMEOUT_MS, !isSuperseded)
    if (!this.#running) this.#started.reject(problem)
    else void this.#callbacks.run('failed', () => this.#handlers.failed(problem)).catch(() => {})
  }

  async #end(by: number, tell: boolean): Promise<void> {
    const { groupId, instanceId } = this.#options
    // A static member's name is enough.
    const isKnown = this.memberId !== '' || (instanceId !== undefined && this.#membership.awaitsName)
    this.#membership.stop()
    this.#committer.close()
    if (tell && isKnown) {
      const left = sendLeave(this.#coordinator, groupId, this.memberId, instanceId ?? null, by)
      await within(left, by - performance.now())
      this.#neighbour.tell()
    }
    this.#coordinator.close()
  }
}
