import type { Deps } from '../deps.ts'
import { GroupMember } from '../kafka/group/member.ts'
import type { AssignedPartition, TopicPartition } from '../kafka/group/types.ts'
import { RecordReader, type ReaderEvent } from '../kafka/record-reader.ts'
import { Problem } from '../problem.ts'
import { Committer } from './committer.ts'
import type { WsConnection } from './connection.ts'
import { DeliveryTracker, type PartitionOffset } from './delivery-tracker.ts'
import { memberPositions, positionLost } from './positions.ts'
import { lookUpTopics, Stream } from './stream.ts'
import type { Subscription } from './subscription.ts'
import type { SubscriptionOptions } from './subscription-options.ts'

/** How long partitions about to be given up wait for the pongs of what was sent of them, ms. */
const PONG_WAIT_MS = 500
const REBALANCE_TIMEOUT_MS = 30_000

/** A socket that is a member of a consumer group: what it has received (or acked) is committed for it. */
export class GroupSubscription implements Subscription {
  readonly #deps: Deps
  readonly #connection: WsConnection
  readonly #options: SubscriptionOptions
  readonly #tracker = new DeliveryTracker()
  readonly #reader: RecordReader
  readonly #stream: Stream
  readonly #member: GroupMember
  readonly #committer: Committer
  #pongArrived: (() => void) | undefined

  constructor(deps: Deps, connection: WsConnection, options: SubscriptionOptions, group: string) {
    this.#deps = deps
    this.#connection = connection
    this.#options = options
    const { cluster, config, log } = deps
    this.#reader = new RecordReader(cluster, {
      isolation: options.isolation,
      bufferBytes: config.limits.wsBufferBytes,
    })
    this.#stream = new Stream(connection, this.#reader, options, {
      delivered: (topic, partition, last, position) =>
        this.#tracker.delivered(topic, partition, last, position),
      flushed: () => this.#sendTicket(),
      lost: (event) => this.#positionLost(event),
    })
    this.#member = new GroupMember(
      cluster,
      { groupId: group, topics: options.topics, ...config.group, rebalanceTimeoutMs: REBALANCE_TIMEOUT_MS },
      {
        assigned: (partitions) => this.#assigned(partitions),
        revoked: (partitions) => this.#revoked(partitions),
        lost: (partitions) => this.#lost(partitions),
        failed: (problem) => connection.fail(problem),
      },
      log,
    )
    this.#committer = new Committer(
      (offsets) => this.#member.commit(offsets),
      (offsets) => connection.send({ type: 'committed', offsets }),
      (error) => this.#commitFailed(error),
    )
  }

  async start(): Promise<void> {
    await lookUpTopics(this.#deps.cluster, this.#options.topics)
    await this.#member.start()
  }

  run(): Promise<void> {
    return this.#stream.run()
  }

  async #assigned(partitions: readonly AssignedPartition[]): Promise<void> {
    const { from, isolation } = this.#options
    const positions = await memberPositions(this.#deps.cluster, partitions, from, isolation)
    // Where nothing was committed yet, the chosen start is: else the next owner would choose again, later, and skip.
    const fresh = positions.filter((position) => position.fresh)
    if (fresh.length > 0) await this.#member.commit(fresh)
    for (const { topic, partition, offset } of positions) this.#tracker.assigned(topic, partition, offset)
    this.#announce(positions)
    this.#stream.assign(positions)
  }

  #announce(positions: readonly PartitionOffset[]): void {
    const partitions = positions.map(({ topic, partition, offset }) => ({ topic, partition, offset }))
    this.#connection.send({ type: 'assigned', partitions })
  }

  /** Stops reading, waits a moment for what was sent to be received, and commits it: then the next owner repeats less. */
  async #revoked(partitions: readonly TopicPartition[]): Promise<void> {
    this.#stream.unassign(partitions)
    if (this.#options.ack === 'auto') await this.#pongsOf(partitions)
    await this.#committer.flush()
    this.#remove(partitions, 'rebalance')
  }

  #lost(partitions: readonly TopicPartition[]): void {
    this.#stream.unassign(partitions)
    this.#committer.drop(partitions)
    this.#remove(partitions, 'lost')
  }

  #remove(partitions: readonly TopicPartition[], reason: 'rebalance' | 'lost'): void {
    for (const { topic, partition } of partitions) this.#tracker.removed(topic, partition)
    this.#connection.send({
      type: 'revoked',
      partitions: partitions.map(({ topic, partition }) => ({ topic, partition })),
      reason,
    })
  }

  async #pongsOf(partitions: readonly TopicPartition[]): Promise<void> {
    const deadline = performance.now() + PONG_WAIT_MS
    while (this.#tracker.awaits(partitions) && !this.#connection.signal.aborted) {
      const left = deadline - performance.now()
      if (left <= 0) return
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left)
        this.#pongArrived = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }

  #sendTicket(): void {
    if (this.#options.ack !== 'auto') return
    const ticket = this.#tracker.ticket()
    if (ticket !== undefined) this.#connection.sendTicket(ticket)
  }

  pong(ticket: number): void {
    if (this.#options.ack === 'auto') this.#committer.add(this.#tracker.pong(ticket))
    this.#pongArrived?.()
  }

  ack(offsets: readonly PartitionOffset[]): void {
    if (this.#options.ack !== 'client') {
      throw new Problem('unknown_delivery', {
        detail: 'This subscription commits by itself: subscribe with ack=client.',
      })
    }
    const commits: PartitionOffset[] = []
    const unknown: PartitionOffset[] = []
    for (const offset of offsets) {
      const commit = this.#tracker.ack(offset)
      if (commit === 'unknown') unknown.push(offset)
      else if (commit !== undefined) commits.push(commit)
    }
    this.#committer.add(commits)
    const [first] = unknown
    if (first === undefined) return
    throw new Problem('unknown_delivery', {
      detail: `${first.topic}, partition ${first.partition}: offset ${first.offset} was not delivered on this socket.`,
    })
  }

  #commitFailed(error: unknown): void {
    const problem = error instanceof Problem ? error : new Problem('internal_error', { cause: error })
    this.#connection.log.warn({ code: problem.code, cause: problem.cause }, 'commit failed')
    this.#connection.sendError(problem, 'ack')
  }

  /** Says that the position is gone, then goes on at the earliest record there is: nothing that exists is skipped. */
  #positionLost(event: Extract<ReaderEvent, { kind: 'lost' }>): void {
    const { topic, partition, earliest, latest, reason } = event
    this.#connection.sendError(positionLost(event))
    // A topic that is gone or made again changes the group's assignment by itself.
    if (reason !== 'out_of_range' || earliest === undefined || latest === undefined) return
    const topicId = this.#deps.cluster.cachedTopic(topic)?.id
    if (topicId === undefined) return
    const position = { topic, topicId, partition, offset: earliest }
    this.#tracker.assigned(topic, partition, earliest)
    this.#announce([position])
    this.#stream.assign([position])
  }

  async stop(): Promise<void> {
    await this.#committer.flush()
    this.#committer.stop()
    this.#reader.close()
    await this.#member.leave()
  }
}
