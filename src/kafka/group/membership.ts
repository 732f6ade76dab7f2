import { Problem } from '../../problems/problem.ts'
import { KafkaCode } from '../errors.ts'
import type { GroupCoordinator } from './coordinator.ts'
import { assignmentOf, findInstance } from './describe.ts'
import { Given } from './given.ts'
import { Abandoned, fatalProblem, GroupError, problemOf } from './group-error.ts'
import { GroupTopics } from './group-topics.ts'
import { Heartbeat } from './heartbeat.ts'
import type { Holdings } from './holdings.ts'
import type { Neighbour } from './neighbour.ts'
import { rebalance, type Rebalanced } from './rebalance.ts'
import { Standing } from './standing.ts'
import type { TopicWatch } from './topic-watch.ts'
import type { GroupLog, GroupMemberOptions, Identity } from './types.ts'
import { Backoff, pause, type Signal } from './waiting.ts'
import { keyOf } from '../topic-partition.ts'

export type Phase = 'joining' | 'syncing' | 'revoking' | 'stable'

export interface MembershipParts {
  readonly options: GroupMemberOptions
  readonly coordinator: GroupCoordinator
  readonly topics: TopicWatch
  readonly neighbour: Neighbour
  readonly holdings: Holdings
  readonly changed: Signal
  readonly log: GroupLog
  /** A round has been gone through to its end. */
  readonly running: () => void
  readonly failed: (problem: Problem) => void
}

/** How long no coordinator may answer before the first round is through, ms; a running member looks for ever. */
const START_TIMEOUT_MS = 10_000

/** The member's place in the group: rounds of join and sync, one after the other, and what interrupts them. */
export class Membership {
  readonly standing = new Standing()
  readonly #parts: MembershipParts
  readonly #heartbeat: Heartbeat
  readonly #topics: GroupTopics
  readonly #given = new Given()
  readonly #backoff = new Backoff()
  readonly #stop = new AbortController()
  /** Since when no coordinator has answered, on the clock of performance.now(); Infinity while one does. */
  #awaySince = performance.now()
  #phase: Phase = 'joining'
  #running = false
  /** From the start of a round until JoinGroup is answered, over failed tries as well. */
  #joining = true
  /** Why the member must rejoin, where it must. */
  #rejoin: string | undefined
  #round = new AbortController()
  /** Whether the group had this static member when it joined. Undefined before that is known. */
  #kept: boolean | undefined
  #isAway = false

  constructor(parts: MembershipParts) {
    this.#parts = parts
    this.#topics = new GroupTopics(parts.topics, parts.options.topics, () => this.#checkTopics())
    this.#heartbeat = new Heartbeat(parts.coordinator, parts.neighbour, parts.options, {
      rebalancing: (identity) => {
        if (identity !== this.standing.identity || this.#joining) return
        this.#mustRejoin('the group is in a rebalance')
      },
      refused: (identity, code) => void this.refused(identity, code),
      expired: () => this.#lose('the session expired'),
    })
  }

  get phase(): Phase {
    return this.#phase
  }

  /** Nobody reads from now on: in rebalances the member says so, and keeps what it has. */
  away(): void {
    this.#isAway = true
  }

  /** Whether a member that came back found its place: nobody else had its partitions meanwhile. */
  get kept(): boolean {
    return this.#kept ?? false
  }

  /** Whether a first JoinGroup is on its way, whose answer brings the id without which the member cannot leave. */
  get awaitsName(): boolean {
    return this.#heartbeat.joinUnderWay && this.standing.memberId === ''
  }

  /**
   * Whether others may own the partitions by now, by our own clock. A process that stood still (SIGSTOP, a long garbage
   * collection) may ask before its timers have run.
   */
  expired(): boolean {
    if (this.#heartbeat.expired) this.#lose('the session expired')
    return this.standing.identity === undefined
  }

  async run(): Promise<void> {
    const { running, changed } = this.#parts
    this.#topics.follow()
    while (!this.#stop.signal.aborted) {
      const { signal } = (this.#round = new AbortController())
      try {
        await this.#takePart(signal)
        this.#backoff.reset()
        this.#running = true
        running()
        while (this.#rejoin === undefined && !signal.aborted) await changed.wait()
        signal.throwIfAborted()
      } catch (error) {
        await this.#recover(error)
      }
    }
  }

  /**
   * Reads other topics from now on: the group hears of it in a rebalance. What is none of them any more is let go of now,
   * since a rebalance takes as long as its slowest member: it may be that nothing of it may be read.
   */
  subscribe(topics: readonly string[]): void {
    if (this.#stop.signal.aborted) return
    this.#topics.subscribe(topics)
    const { holdings } = this.#parts
    holdings.lose(holdings.all().filter(({ topic }) => !topics.includes(topic)))
    // A round that has begun was joined with those before.
    this.#mustRejoin('the subscription changed')
  }

  /** Ends every wait and timer. The group is not told. */
  stop(): void {
    this.#stop.abort()
    this.standing.lost()
    this.#round.abort(new Abandoned('the member has left'))
    this.#heartbeat.stop()
    this.#topics.stop()
    this.#parts.changed.notify()
  }

  async #takePart(signal: AbortSignal): Promise<void> {
    const { options, coordinator, holdings, log } = this.#parts
    this.#phase = 'joining'
    this.#joining = true
    if (!this.#running) await this.#topics.refresh()
    this.#checkTopics()
    const { groupId, instanceId, comesBack = false } = options
    let before: { memberId: string; isAway: boolean } | undefined
    if (comesBack && instanceId !== undefined && this.#kept === undefined) {
      before = await findInstance(coordinator, groupId, instanceId)
      this.#kept = before !== undefined
    }
    signal.throwIfAborted()
    const reason = this.#rejoin ?? 'the member is new or tries again'
    // It had its share as one that is away, in a rebalance meanwhile; now it can have more.
    this.#rejoin = before?.isAway === true ? 'the member is back' : undefined
    const { own: topics } = this.#topics
    const request = {
      ...options,
      topics,
      owned: holdings.all(),
      generation: this.standing.generation,
      isAway: this.#isAway,
      reason,
    }
    const round = rebalance(coordinator, request, this.#roundEvents, log, signal)
    const result = await round.finally(() => this.#heartbeat.joinOver())
    signal.throwIfAborted()
    this.#settle(result)
    // A broker before Kafka 3.2 tells a leader that comes back that its former self still leads: then nobody does.
    if (result.leaderId === before?.memberId) this.#mustRejoin('the leader is back')
    const { taken, added } = holdings.compare(result.assigned)
    if (taken.length > 0) {
      this.#phase = 'revoking'
      await holdings.giveUp(taken, signal)
      this.#mustRejoin('partitions were given up')
    }
    // The subscription may have changed since the round was joined.
    const wanted = added.filter(({ topic }) => this.#topics.own.includes(topic))
    if (wanted.length > 0) await holdings.take(wanted, signal, () => this.#rejoin !== undefined)
    if (result.leadsAgain !== undefined) await this.#leadAgain(result.leadsAgain)
    this.#phase = 'stable'
    this.#checkTopics()
  }

  /** What the group reads may have changed while its leader was away, and nobody else looks. */
  async #leadAgain(topics: ReadonlySet<string>): Promise<void> {
    const { coordinator, options } = this.#parts
    const counts = await this.#topics.lead(topics)
    const assignment = await assignmentOf(coordinator, options.groupId)
    // In a rebalance by now: the leader has its say in it.
    if (assignment === undefined) return
    this.#given.remember(assignment)
    const had = new Set(assignment.flatMap(([, partitions]) => partitions.map(keyOf)))
    const isHad = (topic: string, partition: number) => had.has(keyOf({ topic, partition }))
    const isWhole = [...counts].every(([topic, count]) =>
      Array.from({ length: count }, (_, partition) => isHad(topic, partition)).every(Boolean),
    )
    if (!isWhole) this.#mustRejoin('nobody has partitions that were added while the leader was away')
  }

  readonly #roundEvents = {
    memberId: () => this.standing.memberId,
    named: (memberId: string) => {
      this.#awaySince = Infinity
      this.standing.named(memberId)
      this.#parts.changed.notify()
    },
    joining: () => this.#heartbeat.joinSent(),
    joined: (identity: Identity, joinSentAt: number) => {
      this.#awaySince = Infinity
      // Held until all have come, the answer may be older than a session; a new member has nothing to lose by then.
      const aliveAt = this.standing.identity === undefined ? performance.now() : joinSentAt
      this.standing.joined(identity)
      this.#joining = false
      this.#topics.forgetAssignment()
      this.#phase = 'syncing'
      this.#heartbeat.start(identity, aliveAt)
      this.#parts.changed.notify()
    },
    partitionCounts: (topics: ReadonlySet<string>) => this.#topics.lead(topics),
    given: this.#given,
  }

  #settle({ identity, leader, syncSentAt, assigned }: Rebalanced): void {
    this.standing.settled(identity)
    this.#heartbeat.alive(syncSentAt)
    if (!leader) this.#topics.follow()
    this.#parts.changed.notify()
    this.#parts.log.debug(
      { ...this.#about(), leader, partitions: assigned.length },
      'group generation begins',
    )
  }

  #mustRejoin(reason: string): void {
    this.#rejoin ??= reason
    this.#parts.changed.notify()
  }

  /** The place in the group is gone, and the partitions with it. The member joins again by itself. */
  #lose(why: string): void {
    const { holdings, log } = this.#parts
    const held = holdings.all().length
    if (held > 0) log.warn({ ...this.#about(), why, partitions: held }, 'the member lost its partitions')
    this.standing.lost()
    this.#topics.forgetAssignment()
    this.#heartbeat.stop()
    this.#round.abort(new Abandoned(why))
    holdings.lose()
    this.#mustRejoin(why)
  }

  /** The group refused this identity's heartbeat or commit. True where it is about to have another one anyhow. */
  refused(identity: Identity, code: number): boolean {
    if (identity !== this.standing.identity) return true
    const problem = fatalProblem(new GroupError('Heartbeat', code), true)
    if (problem !== undefined) {
      this.#parts.failed(problem)
    } else if (code === KafkaCode.ILLEGAL_GENERATION) {
      // The join may have ended at the broker while its answer is still on the way.
      if (this.#joining) return true
      this.#lose('the group went on without the member')
    } else if (code === KafkaCode.UNKNOWN_MEMBER_ID) {
      // A static member asks under its old id first: whoever has its place by now must not be driven out.
      if (identity.instanceId === null) this.standing.unknown()
      this.#lose('the group does not know the member')
    } else {
      this.#parts.log.warn({ ...this.#about(), code }, 'a group call was answered with an unexpected error')
    }
    return false
  }

  /** Decides what follows a failed round, and waits before the next. */
  async #recover(error: unknown): Promise<void> {
    const { coordinator, options, log, failed } = this.#parts
    if (this.#stop.signal.aborted) return
    if (error instanceof Abandoned) return pause(this.#backoff.next(), this.#stop.signal)
    const now = performance.now()
    // A JoinGroup is held until all have come, or the session of one that is dead has run out: that is no failure.
    this.#awaySince = Math.min(this.#awaySince, now)
    const tooLong = !this.#running && now - this.#awaySince > START_TIMEOUT_MS
    const problem = fatalProblem(error, this.#running) ?? (tooLong ? problemOf(error) : undefined)
    if (problem !== undefined) return failed(problem)
    log.debug({ ...this.#about(), err: error }, 'a group round failed')
    if (error instanceof GroupError) {
      // The next round began before this one was over: nothing is wrong.
      if (error.call === 'SyncGroup' && error.code === KafkaCode.REBALANCE_IN_PROGRESS) return
      const isDynamic = options.instanceId === undefined
      if (error.code === KafkaCode.UNKNOWN_MEMBER_ID && (isDynamic || error.call === 'JoinGroup')) {
        this.standing.unknown()
      }
      if (error.code === KafkaCode.UNKNOWN_MEMBER_ID || error.code === KafkaCode.ILLEGAL_GENERATION) {
        this.#lose(error.message)
      }
      coordinator.retriable(error.code)
    }
    await pause(this.#backoff.next(), this.#stop.signal)
  }

  /** Looks at what the watch has learnt of the topics. */
  #checkTopics(): void {
    const { holdings, failed } = this.#parts
    const { denied } = this.#topics
    if (denied !== undefined) {
      const detail = `The gateway may not read topic ${denied}.`
      return failed(new Problem('kafka_authorization', { detail }))
    }
    const vanished = holdings.vanished()
    if (vanished.length > 0) {
      holdings.lose(vanished)
      if (!this.#joining) this.#mustRejoin('a topic was deleted or made again')
    }
    // A round that is being joined looks by itself.
    if (!this.#joining && this.#topics.changedSinceAssigned) this.#mustRejoin('topics have changed')
  }

  #about(): object {
    const { groupId, clientInfo } = this.#parts.options
    const { memberId, generation } = this.standing
    return { groupId, memberId, generation, clientInfo }
  }
}
