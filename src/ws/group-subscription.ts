import { setTimeout as pause } from 'node:timers/promises'
import type { Deps } from '../deps.ts'
import type { TopicInfo } from '../kafka/cluster.ts'
import { GroupMember } from '../kafka/group/member.ts'
import type { AssignedPartition } from '../kafka/group/types.ts'
import type { PartitionPosition, ReaderEvent } from '../kafka/record-reader.ts'
import type { MemberLag } from '../metrics/group-lags.ts'
import { Problem } from '../problems/problem.ts'
import { openReader } from '../streams/event-reader.ts'
import { positionLost } from '../streams/positions.ts'
import type { TraceSpan } from '../tracing/tracing.ts'
import { TopicSelection } from '../streams/topic-selection.ts'
import { type Claim, Claims } from './claims.ts'
import { Committer } from './committer.ts'
import type { WsConnection } from './connection.ts'
import type { PartitionOffset } from './delivery-tracker.ts'
import { Feed } from './feed.ts'
import { memberPositions } from './member-positions.ts'
import type { Place, Places } from './places.ts'
import { Stream } from './stream.ts'
import type { Ending, Subscription } from './subscription.ts'
import type { StartPosition } from '../records/start-position.ts'
import type { SubscriptionOptions } from './subscription-options.ts'
import { takeUp } from './take-up.ts'
import type { TopicPartition } from '../kafka/topic-partition.ts'

type Passed = Extract<ReaderEvent, { kind: 'records' | 'progress' }>
type Lost = Extract<ReaderEvent, { kind: 'lost' }>

/** How long partitions about to be given up wait for what was sent of them to be acked, ms. */
const SETTLE_MS = 500
/** How long they wait for their last commit, ms; together less than what the group allows (5 s). */
const FLUSH_MS = 4_000
/** The same where the member leaves anyhow, ms. */
const LAST_FLUSH_MS = 2_000
const REBALANCE_TIMEOUT_MS = 30_000
/** By when the group has noticed that a topic is gone or another, ms; where it has not, the reader goes on by itself. */
const GROUP_NOTICES_MS = 5_000

/** A place in the group that outlives the socket. */
interface Seat {
  readonly place: Place
  readonly places: Places
  /** Calls back, within seconds, where its owner may read no more or `still` throws; gives what ends that. */
  watch(still: () => void, refused: () => void): () => void
}

/** A socket that is a member of a consumer group: what it has received (or acked) is committed for it. */
export class GroupSubscription implements Subscription {
  readonly #deps: Deps
  readonly #connection: WsConnection
  readonly #options: SubscriptionOptions
  readonly feed: Feed
  readonly #seat: Seat | undefined
  readonly #selection: TopicSelection
  readonly #claims = new Claims()
  readonly #stream: Stream
  readonly #member: GroupMember
  readonly #committer: Committer
  readonly #lag: MemberLag
  readonly #span: TraceSpan | undefined
  readonly #stopped = new AbortController()
  #stopping: Promise<void> | undefined
  /** As they were at the start. */
  #topics: readonly TopicInfo[] = []
  /** Their names, and those that have come since. */
  #subscribed: readonly string[] = []
  #hasAnnounced = false

  /** `seat` where the member's place in the group outlives the socket; `span` of the handshake. */
  constructor(
    deps: Deps,
    connection: WsConnection,
    options: SubscriptionOptions,
    { group, seat, span }: { group: string; seat?: Seat | undefined; span?: TraceSpan | undefined },
  ) {
    this.#span = span
    this.#deps = deps
    this.#connection = connection
    this.#options = options
    this.#seat = seat
    this.#selection = new TopicSelection(deps.cluster, options.topics, options.isVisible)
    const { config } = deps
    this.#lag = deps.meters.lags.join(group)
    const reader = openReader(deps.cluster, options.isolation, config.limits)
    const feed = (this.feed = new Feed(
      deps.cluster,
      connection,
      reader,
      options,
      options.ack === 'auto' ? 'pong' : 'ack',
      (positions) => this.#begin(positions, true),
    ))
    this.#stream = new Stream(connection, feed.reader, options, {
      delivered: (topic, partition, last, position) => feed.sent(topic, partition, last, position),
      passed: (event) => this.#passed(event),
      flushed: () => feed.receipts.ping(),
      lost: (event) => this.#positionLost(event),
    })
    this.#member = new GroupMember(
      deps.cluster,
      {
        groupId: group,
        topics: this.#subscribed,
        ...config.group,
        rebalanceTimeoutMs: REBALANCE_TIMEOUT_MS,
        ...(seat && { instanceId: seat.place.instanceId, comesBack: seat.place.comesBack }),
      },
      {
        assigned: (partitions) => this.#assigned(partitions),
        revoked: (partitions) => this.#revoked(partitions),
        lost: (partitions) => this.#lost(partitions),
        failed: (problem) => connection.fail(problem),
      },
      connection.log,
    )
    this.#committer = new Committer({
      commit: (offsets) => this.#member.commit(offsets),
      committed: (offsets) => connection.send({ type: 'committed', offsets }),
      failed: (error) => this.#commitFailed(error),
      owns: (partition) => this.#member.owns(partition),
    })
  }

  #passed(event: Passed): void {
    this.#lag.read(event)
    if (event.kind !== 'records') return
    const { cluster, tracing } = this.#deps
    cluster.meter.traffic.delivered(event.topic, event.records)
    tracing?.delivered(event, { group: this.#lag.group, span: this.#span })
  }

  async start(): Promise<void> {
    this.#topics = await this.#selection.find()
    await this.#seat?.places.take(this.#seat.place, this)
    if (this.#stopped.signal.aborted) return
    this.#follow(this.#topics)
    this.#selection.watch(
      (topics) => this.#follow(topics),
      (problem) => this.#connection.fail(problem),
    )
    await this.#member.start()
    if (!this.#hasAnnounced) this.#announce([])
  }

  /** Reads what the patterns stand for now. */
  #follow(topics: readonly TopicInfo[]): void {
    const names = topics.map(({ name }) => name).sort()
    if (names.join() === this.#subscribed.join()) return
    this.#subscribed = names
    this.#member.subscribe(names)
  }

  run(): Promise<void> {
    return this.#stream.run()
  }

  async #assigned(partitions: readonly AssignedPartition[]): Promise<void> {
    this.#claims.take(partitions)
    // Where one that comes back finds nothing committed, the partition is new, or its topic is: all of it is to be read.
    const from = this.#seat?.place.comesBack === true ? ({ kind: 'earliest' } as const) : this.#options.from
    await takeUp(partitions, this.#claims, this.#stopped.signal, {
      find: (topic, own) => this.#findStart(topic, own, from, true),
      begin: (positions) => this.#begin(positions),
    })
  }

  async #findStart(
    topic: string,
    partitions: readonly AssignedPartition[],
    from: StartPosition,
    commits: boolean,
  ): Promise<PartitionPosition[]> {
    const { isolation } = this.#options
    const before = this.#topics.find(({ name }) => name === topic)
    const positions = await memberPositions(this.#deps.cluster, topic, before, partitions, {
      from,
      isolation,
    })
    // Where nothing was committed yet, the chosen start is: else the next owner would choose again, later, and skip.
    const fresh = positions.filter((position) => position.fresh)
    if (commits && fresh.length > 0) await this.#member.commit(fresh)
    return positions
  }

  #begin(positions: readonly PartitionPosition[], sought = false): void {
    // What was acked before the partition was had anew says nothing of what comes now; before a seek it still counts.
    if (!sought) this.#committer.drop(positions)
    this.feed.receipts.assigned(positions)
    for (const claim of this.#claims.of(positions)) {
      claim.starts++
      Object.assign(claim, { announced: true, sought })
    }
    this.#announce(positions)
    this.#stream.assign(positions)
  }

  #announce(positions: readonly PartitionOffset[]): void {
    if (!this.#hasAnnounced && this.#seat !== undefined) {
      const { token, graceMs } = this.#seat.place
      this.#connection.send({ type: 'resumable', token, graceMs, kept: this.#member.kept })
    }
    this.#hasAnnounced = true
    const partitions = positions.map(({ topic, partition, offset }) => ({ topic, partition, offset }))
    this.#connection.send({ type: 'assigned', partitions })
  }

  /** Stops reading, waits a moment for what was sent to be received, and commits it: then the next owner repeats less. */
  async #revoked(partitions: readonly TopicPartition[]): Promise<void> {
    const claims = this.#claims.of(partitions)
    this.#stream.unassign(partitions)
    if (this.#options.ack === 'auto') await this.feed.receipts.settle(SETTLE_MS, partitions)
    const isCommitted = await this.#committer.flush(FLUSH_MS, partitions)
    this.#remove(claims, isCommitted ? 'rebalance' : 'lost')
  }

  #lost(partitions: readonly TopicPartition[]): void {
    this.#stream.unassign(partitions)
    this.#remove(this.#claims.of(partitions), 'lost')
  }

  #remove(claims: readonly Claim[], reason: 'rebalance' | 'lost'): void {
    const ended = this.#claims.end(claims)
    this.#lag.removed(ended)
    this.#committer.drop(ended)
    this.feed.receipts.removed(ended)
    const partitions = ended
      .filter(({ announced }) => announced)
      .map(({ topic, partition }) => ({ topic, partition }))
    if (partitions.length === 0) return
    this.#connection.send({ type: 'revoked', partitions, reason })
    this.#stream.tellCaughtUp()
  }

  pong(ticket: number): void {
    this.#committer.add(this.feed.receipts.pong(ticket))
  }

  ack(offsets: readonly PartitionOffset[]): void {
    if (this.#options.ack !== 'client') {
      throw new Problem('unknown_delivery', {
        detail: 'This subscription commits by itself: subscribe with ack=client.',
      })
    }
    const { commits, unknown } = this.feed.receipts.ack(offsets)
    this.#committer.add(commits)
    const [first] = unknown
    if (first === undefined) return
    throw new Problem('unknown_delivery', {
      detail: `${first.topic}, partition ${first.partition}: offset ${first.offset} was not delivered on this socket.`,
    })
  }

  #commitFailed(error: unknown): void {
    const problem = error instanceof Problem ? error : new Problem('internal_error', { cause: error })
    this.#connection.log.debug({ code: problem.code, cause: problem.cause }, 'commit failed')
    if (this.#options.ack === 'client') this.#connection.sendError(problem, 'ack')
    // Nothing that the client did: `revoked` tells what there is to know.
    else if (problem.code !== 'stale_member') this.#connection.sendError(problem)
  }

  /** Says that the position is gone, then goes on at the earliest record there is: nothing that exists is skipped. */
  #positionLost(event: Lost): void {
    const claim = this.#claims.get(event)
    // Just taken over, and another from the start: what is remembered of the topic was of the one before. Nothing is lost.
    const isStale =
      event.reason === 'topic_recreated' &&
      claim !== undefined &&
      performance.now() - claim.since < GROUP_NOTICES_MS
    // One that only matched leaves with `revoked`.
    const isMatched = event.reason !== 'out_of_range' && !this.#selection.isNamed(event.topic)
    if (!isStale && !isMatched) this.#connection.sendError(positionLost(event))
    if (claim === undefined || event.reason === 'not_authorized') return
    // A topic that is gone or made again changes the group's assignment by itself.
    const wait = isStale || event.reason === 'out_of_range' ? 0 : GROUP_NOTICES_MS
    this.#resume(claim, wait).catch((error: unknown) => {
      this.#connection.fail(
        error instanceof Problem ? error : new Problem('internal_error', { cause: error }),
      )
    })
  }

  async #resume(claim: Claim, wait: number): Promise<void> {
    const { starts } = claim
    // A seek may have found another place meanwhile.
    const isLost = () => this.#claims.has(claim) && claim.starts === starts
    await pause(wait, undefined, { signal: this.#stopped.signal }).catch(() => {})
    if (!isLost()) return
    const { topic, partition, sought } = claim
    this.#deps.cluster.forgetTopic(topic)
    // An older offset that waits to be committed would bring the next owner back to where nothing is. Not so where the
    // client's own seek led there.
    if (!sought) {
      this.#committer.drop([claim])
      this.feed.receipts.removed([claim])
    }
    const earliest: StartPosition = { kind: 'earliest' }
    await takeUp([{ topic, partition, committed: undefined }], this.#claims, this.#stopped.signal, {
      find: (name, own) => this.#findStart(name, own, earliest, !sought),
      begin: (positions) => {
        if (isLost()) this.#begin(positions, sought)
      },
    })
  }

  stop(ending: Ending, settleMs = 0): Promise<void> {
    return (this.#stopping ??= this.#stop(ending, settleMs))
  }

  /** Another socket comes back to the place of this one, which nobody knew to be gone. */
  async giveWay(): Promise<void> {
    this.#connection.fail(new Problem('superseded'))
    await this.stop('draining')
  }

  async #stop(ending: Ending, settleMs: number): Promise<void> {
    const endedAt = performance.now()
    this.#stopped.abort()
    this.#deps.meters.lags.leave(this.#lag)
    this.#selection.stop()
    this.feed.stop()
    this.#stream.stop()
    await this.feed.receipts.settle(Math.min(settleMs, SETTLE_MS))
    await this.#committer.flush(LAST_FLUSH_MS)
    this.#committer.stop()
    await this.#part(ending, endedAt)
  }

  async #part(ending: Ending, endedAt: number): Promise<void> {
    const seat = this.#seat
    if (seat === undefined) return this.#member.leave()
    const { place, places } = seat
    if (ending === 'dropped') {
      const watch = (refused: () => void) => seat.watch(() => this.#requireVisible(), refused)
      return places.keep(place, this, this.#member, endedAt + place.graceMs, {
        watch,
        over: this.#deps.hold(),
      })
    }
    places.release(place, this)
    // Where the gateway goes, the group keeps the place for as long as a session.
    await (ending === 'closed' ? this.#member.leave() : this.#member.abandon())
  }

  /** What patterns stood for when the socket dropped is all that its place is kept for. @throws Problem forbidden */
  #requireVisible(): void {
    const { isVisible = () => true } = this.#options
    if (!this.#subscribed.every(isVisible)) throw new Problem('forbidden')
  }
}
