import type { Logger } from 'pino'
import { Problem } from '../../problems/problem.ts'
import type { BrokerConnection } from '../broker-connection.ts'
import type { Cluster, TopicInfo } from '../cluster.ts'
import { kafkaErrorName, problemFromKafka } from '../errors.ts'
import type { Acks, ProduceAnswer } from '../wire/produce.ts'
import { BrokerSender, type Lane } from './broker-sender.ts'
import type { PartitionQueue } from './partition-queue.ts'
import { ProducerIds } from './producer-ids.ts'
import { type Request, RequestsInFlight, type Sent } from './requests-in-flight.ts'
import { unavailable } from './verdict.ts'

/** How often deadlines and back-offs are looked at while anything is waiting, ms. */
const SWEEP_MS = 50
/** The most that one Produce request carries, bytes; one batch always goes. */
const MAX_REQUEST_BYTES = 4_000_000
/** The least time between two lines of the log about failures, ms. */
const WARN_INTERVAL_MS = 1_000

/** What the dispatcher learns of topics on the way. */
export interface TopicNews {
  found(info: TopicInfo): void
  missing(topic: string): void
}

/**
 * Brings what the partition queues hold to the brokers that lead them: one Produce request per broker with the ready
 * batches of all its partitions, sent when the event loop turns (as Java's `Sender`).
 *
 * A queue with work is in flight, in a lane of its leader, or resting: until its back-off is over, it has a leader and
 * there is a producer id for it.
 */
export class Dispatcher {
  readonly ids: ProducerIds
  readonly #cluster: Cluster
  readonly #log: Logger
  readonly #acks: Acks
  readonly #ackTimeoutMs: number
  readonly #news: TopicNews
  /** Every queue with work, and the set it waits in; in flight it waits in none. */
  readonly #active = new Map<PartitionQueue, Set<PartitionQueue> | undefined>()
  readonly #resting = new Set<PartitionQueue>()
  /** Those of them that wait for a producer id. */
  readonly #nameless = new Set<PartitionQueue>()
  readonly #senders = new Map<number, BrokerSender>()
  readonly #requests = new RequestsInFlight()
  readonly #refreshing = new Set<string>()
  #scheduled = false
  #sweeper: NodeJS.Timeout | undefined
  #warnedAt = -Infinity
  #closed = false

  constructor(cluster: Cluster, log: Logger, acks: Acks, timeoutMs: number, news: TopicNews) {
    this.#cluster = cluster
    this.#log = log
    this.#acks = acks
    this.#ackTimeoutMs = Math.max(250, Math.min(5_000, Math.floor(timeoutMs * 0.4)))
    this.#news = news
    this.ids = new ProducerIds(cluster, () => this.#resume(this.#nameless))
  }

  /** Takes the news that a queue has something to send. */
  wake(queue: PartitionQueue): void {
    if (this.#active.get(queue) === undefined) this.#place(queue, performance.now())
    this.#schedule()
  }

  /** Whether a broker is too slow for more. */
  isStalled(nodeId: number, now: number): boolean {
    return this.#senders.get(nodeId)?.isStalled(now) ?? false
  }

  /** Decides where a queue waits, if it has anything to wait for. */
  #place(queue: PartitionQueue, now: number): void {
    if (this.#closed) return
    this.#active.get(queue)?.delete(queue)
    if (!queue.hasWork) {
      this.#active.delete(queue)
      return
    }
    const lane = queue.inFlight ? undefined : this.#laneOf(queue, now)
    lane?.add(queue)
    this.#active.set(queue, lane)
  }

  #laneOf(queue: PartitionQueue, now: number): Set<PartitionQueue> {
    if (queue.notBefore > now) return this.#resting
    if (!queue.accepts(this.ids.current)) {
      if (this.ids.lastProblem !== undefined) queue.unreachable(this.ids.lastProblem)
      this.ids.renew()
      this.#nameless.add(queue)
      return this.#resting
    }
    const leader = this.#leaderOf(queue)
    if (leader < 0 || !this.#cluster.brokers.has(leader)) {
      queue.unreachable(unavailable('The partition has no leader at the moment.'))
      this.#refresh(queue.topic)
      return this.#resting
    }
    return this.#sender(leader).lanes[queue.failures > 0 ? 'retry' : 'usual']
  }

  #leaderOf({ topic, partition }: PartitionQueue): number {
    return this.#cluster.cachedTopic(topic)?.partitions[partition]?.leader ?? -1
  }

  #sender(nodeId: number): BrokerSender {
    let sender = this.#senders.get(nodeId)
    if (sender === undefined) {
      sender = new BrokerSender(this.#cluster, nodeId, this.#acks, this.#ackTimeoutMs, {
        ready: (again) => {
          const waiting = again ? [...this.#resting].filter((queue) => this.#leaderOf(queue) === nodeId) : []
          this.#resume(new Set(waiting))
        },
        failed: (error) => this.#refused(nodeId, error),
      })
      this.#senders.set(nodeId, sender)
    }
    return sender
  }

  /** Ends the rest of queues whose reason for it is gone. */
  #resume(queues: Set<PartitionQueue>): void {
    const now = performance.now()
    const all = [...queues]
    queues.clear()
    for (const queue of all) {
      queue.notBefore = now
      this.#place(queue, now)
    }
    this.#schedule()
  }

  #refused(nodeId: number, cause: unknown): void {
    this.#warn({ broker: nodeId, cause }, 'cannot connect to the broker')
    const { code } = problemFromKafka(cause)
    const problem = new Problem(code, { outcome: 'not_written', cause })
    const { usual, retry } = this.#sender(nodeId).lanes
    const now = performance.now()
    for (const queue of [...usual, ...retry]) {
      queue.unreachable(problem)
      this.#refresh(queue.topic)
      this.#place(queue, now)
    }
  }

  /** Has everything that is ready sent when the event loop turns: all that arrived in this turn travels together. */
  #schedule(): void {
    if (this.#scheduled || this.#closed) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      for (const sender of this.#senders.values()) {
        this.#drain(sender, 'retry')
        this.#drain(sender, 'usual')
      }
    })
    this.#sweeper ??= setInterval(() => this.#sweep(), SWEEP_MS).unref()
  }

  #drain(sender: BrokerSender, lane: Lane): void {
    while (sender.lanes[lane].size > 0) {
      const connection = sender.acquire(lane)
      if (connection === undefined) return
      const sent = this.#take(sender.lanes[lane])
      if (sent.length > 0) this.#send(sender, lane, connection, sent)
      else sender.giveBack(connection)
    }
  }

  /** Takes the batches of one request out of a lane, those that have waited longest first. */
  #take(lane: Set<PartitionQueue>): Sent[] {
    const sent: Sent[] = []
    let size = 0
    for (const queue of lane) {
      lane.delete(queue)
      this.#active.set(queue, undefined)
      if (!queue.hasWork || queue.inFlight || !queue.accepts(this.ids.current)) {
        this.#place(queue, performance.now())
        continue
      }
      const batch = queue.take(this.ids.current)
      sent.push({ queue, batch })
      size += batch.bytes.length
      if (size >= MAX_REQUEST_BYTES) break
    }
    return sent
  }

  #send(sender: BrokerSender, lane: Lane, connection: BrokerConnection, sent: Sent[]): void {
    const parts = sent.map(({ queue, batch }) => ({
      topic: queue.topic,
      partition: queue.partition,
      batch: batch.bytes,
    }))
    const request = this.#requests.add(sender.nodeId, connection, sent)
    sender.send(connection, lane, parts).then(
      (answer) => {
        for (const one of sent) this.#answered(one, answer)
        this.#ended(request)
      },
      (error: unknown) => {
        for (const one of sent) this.#unanswered(one, error)
        this.#ended(request)
      },
    )
  }

  #answered({ queue, batch }: Sent, { results }: ProduceAnswer): void {
    const result = results.get(queue.topic)?.get(queue.partition)
    if (result === undefined) this.#unanswered({ queue, batch }, new Error('the answer lacks the partition'))
    else if (queue.answer(batch, result) === 'refresh') this.#failed(queue, kafkaErrorName(result.errorCode))
  }

  #unanswered({ queue, batch }: Sent, cause: unknown): void {
    queue.unanswered(batch, cause)
    this.#failed(queue, cause)
  }

  #failed({ topic, partition, failures }: PartitionQueue, cause: unknown): void {
    if (failures === 1) this.#warn({ topic, partition, cause }, 'a batch failed and is sent again')
    this.#refresh(topic)
  }

  #ended(request: Request): void {
    this.#requests.delete(request)
    const now = performance.now()
    for (const { queue } of request.sent) this.#place(queue, now)
    this.#schedule()
  }

  /** Asks who leads a topic's partitions now. */
  #refresh(topic: string): void {
    if (this.#refreshing.has(topic) || this.#closed) return
    this.#refreshing.add(topic)
    this.#cluster.refreshTopic(topic).then(
      (info) => {
        this.#refreshing.delete(topic)
        if (info === undefined) this.#news.missing(topic)
        else this.#moved(info)
      },
      () => this.#refreshing.delete(topic),
    )
  }

  /** Turns to the leaders that a topic has now. */
  #moved(info: TopicInfo): void {
    this.#news.found(info)
    const now = performance.now()
    for (const [queue, lane] of this.#active) {
      if (queue.topic === info.name && lane !== undefined && lane !== this.#resting) this.#place(queue, now)
    }
    this.#requests.leaveOldLeaders(info, now)
    this.#schedule()
  }

  #sweep(): void {
    const now = performance.now()
    for (const [queue, lane] of this.#active) {
      queue.expire(now)
      if (lane === undefined || !queue.hasWork) this.#place(queue, now)
    }
    this.#placeRested(now)
    for (const topic of this.#requests.topicsToCheck(now)) this.#refresh(topic)
    if (this.#active.size > 0) return this.#schedule()
    clearInterval(this.#sweeper)
    this.#sweeper = undefined
  }

  #placeRested(now: number): void {
    for (const queue of [...this.#resting]) if (queue.notBefore <= now) this.#place(queue, now)
  }

  /** A Kafka that is down fails every partition, again and again: the log hears of it once a second. */
  #warn(fields: object, message: string): void {
    const now = performance.now()
    if (now - this.#warnedAt < WARN_INTERVAL_MS) return
    this.#warnedAt = now
    this.#log.warn(fields, message)
  }

  close(): void {
    this.#closed = true
    clearInterval(this.#sweeper)
    this.ids.close()
    for (const sender of this.#senders.values()) sender.close()
  }
}
