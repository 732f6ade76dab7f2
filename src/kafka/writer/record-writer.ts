import type { Logger } from 'pino'
import { Problem } from '../../problem.ts'
import type { Cluster, TopicInfo } from '../cluster.ts'
import { problemFromKafka } from '../errors.ts'
import type { OutgoingRecord } from '../../record.ts'
import { recordSizeBound } from '../wire/record-batch-writer.ts'
import { BrokerSender } from './broker-sender.ts'
import type { Batch, PartitionQueue } from './partition-queue.ts'
import { ProducerIds } from './producer-ids.ts'
import { TopicQueues } from './topic-queues.ts'
import { unavailable } from './verdict.ts'
import { type RecordResult, WriteRequest } from './write-request.ts'

export interface RecordWriterOptions {
  /** Milliseconds within which every record has its outcome. */
  readonly timeoutMs: number
}

/** How often deadlines are looked at while anything is waiting, ms. */
const SWEEP_MS = 50
/** The most that one Produce request carries, bytes; one batch always goes. */
const MAX_REQUEST_BYTES = 4_000_000

/**
 * Writes records, each exactly once in the log or told otherwise (KIP-98, as Java's `RecordAccumulator` and `Sender` do):
 * a queue per partition, one Produce request per broker with the ready batches of all its partitions, sent when the event
 * loop turns. A lone record leaves at once; under load batches form while requests are in flight.
 */
export class RecordWriter {
  readonly #cluster: Cluster
  readonly #log: Logger
  readonly #timeoutMs: number
  readonly #ids: ProducerIds
  readonly #topics = new Map<string, TopicQueues>()
  readonly #senders = new Map<number, BrokerSender>()
  /** Queues with work, in flight or not. */
  readonly #active = new Set<PartitionQueue>()
  /** Those of them that have something to send. */
  readonly #ready = new Set<PartitionQueue>()
  #scheduled = false
  #sweeper: NodeJS.Timeout | undefined
  #closed = false

  constructor(cluster: Cluster, options: RecordWriterOptions, log: Logger) {
    this.#cluster = cluster
    this.#log = log
    this.#timeoutMs = options.timeoutMs
    this.#ids = new ProducerIds(cluster)
  }

  /** Gets a producer id ahead of the first record. Never rejects; records wait for it until their deadline. */
  start(): void {
    void this.#ids.renew().then(() => this.#schedule())
  }

  /**
   * Writes records to one topic. Resolves within `timeoutMs` with the outcome of each, in the order given; records of
   * one partition keep that order in the log.
   * @throws Problem topic_not_found; kafka_unavailable and its like where the topic could not be looked up; nothing was written
   */
  async write(
    topic: string,
    records: readonly OutgoingRecord[],
    timeoutMs: number = this.#timeoutMs,
  ): Promise<RecordResult[]> {
    if (this.#closed) throw new Problem('shutting_down', { outcome: 'not_written' })
    const deadline = performance.now() + timeoutMs
    const info = this.#cluster.cachedTopic(topic) ?? (await this.#lookUp(topic, deadline))
    const { promise, resolve } = Promise.withResolvers<RecordResult[]>()
    const request = new WriteRequest(records.length, resolve)
    const queues = this.#queuesOf(info)
    const now = Date.now()
    records.forEach((record, index) => {
      const queue = queues.route(record)
      if (queue === undefined) {
        request.settle(index, { outcome: 'not_written', problem: noSuchPartition(record.partition, info) })
        return
      }
      const stamped = { ...record, timestamp: record.timestamp ?? now }
      queue.push({ record: stamped, size: recordSizeBound(record), deadline, request, index, settled: false })
      this.#activate(queue)
    })
    this.#schedule()
    return promise
  }

  /** Looks a topic up until it is found, is known not to exist, or time is up. */
  async #lookUp(topic: string, deadline: number): Promise<TopicInfo> {
    for (;;) {
      try {
        const info = await withDeadline(this.#cluster.topic(topic), deadline)
        if (info === undefined) throw new Problem('topic_not_found', { outcome: 'not_written' })
        return info
      } catch (error) {
        const problem = problemFromKafka(error)
        if (problem.code !== 'kafka_unavailable' || performance.now() + 100 >= deadline) {
          throw new Problem(problem.code, { ...problem.options, outcome: 'not_written' })
        }
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
    }
  }

  #queuesOf(info: TopicInfo): TopicQueues {
    let queues = this.#topics.get(info.name)
    if (queues === undefined) {
      queues = new TopicQueues(info)
      this.#topics.set(info.name, queues)
    }
    queues.update(info)
    return queues
  }

  #activate(queue: PartitionQueue): void {
    this.#active.add(queue)
    if (!queue.inFlight && queue.hasWork) this.#ready.add(queue)
  }

  /** Sends what is ready when the event loop turns: everything that arrived in this turn travels together. */
  #schedule(): void {
    if (this.#scheduled || this.#closed) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#drain()
    })
    this.#sweeper ??= setInterval(() => this.#sweep(), SWEEP_MS).unref()
  }

  #drain(): void {
    const now = performance.now()
    const byLeader = new Map<number, PartitionQueue[]>()
    for (const queue of this.#ready) {
      if (queue.inFlight || !queue.hasWork) this.#ready.delete(queue)
      else if (queue.notBefore <= now && this.#identified(queue)) this.#place(queue, byLeader)
    }
    for (const [leader, queues] of byLeader) this.#sendTo(leader, queues)
  }

  /** Adds a queue to those of its leader; one without a leader waits for metadata. */
  #place(queue: PartitionQueue, byLeader: Map<number, PartitionQueue[]>): void {
    const leader = this.#cluster.cachedTopic(queue.topic)?.partitions[queue.partition]?.leader ?? -1
    if (leader < 0 || !this.#cluster.brokers.has(leader)) {
      queue.unreachable(unavailable('The partition has no leader at the moment.'))
      this.#refresh(queue)
      return
    }
    const group = byLeader.get(leader)
    if (group === undefined) byLeader.set(leader, [queue])
    else group.push(queue)
  }

  /** Whether there is a producer id that the queue's next batch can go out under; asks for one where not. */
  #identified(queue: PartitionQueue): boolean {
    const identity = this.#ids.current
    if (identity !== undefined && queue.accepts(identity)) return true
    if (this.#ids.lastProblem !== undefined) queue.unreachable(this.#ids.lastProblem)
    void this.#ids.renew().then(() => this.#schedule())
    return false
  }

  #sendTo(leader: number, queues: readonly PartitionQueue[]): void {
    const sender = this.#sender(leader)
    for (let next = 0; next < queues.length;) {
      const connection = sender.acquire(
        () => this.#schedule(),
        (error) => {
          const problem = problemFromKafka(error)
          this.#log.warn({ broker: leader, cause: problem.cause }, 'cannot connect to the broker')
          for (const queue of queues) {
            if (queue.inFlight || !queue.hasWork) continue
            queue.unreachable(new Problem(problem.code, { outcome: 'not_written', cause: error }))
            this.#refresh(queue)
          }
        },
      )
      if (connection === undefined) return
      const sent: { queue: PartitionQueue; batch: Batch }[] = []
      for (let size = 0; next < queues.length && size < MAX_REQUEST_BYTES; next++) {
        const queue = queues[next]!
        const batch = queue.take(this.#ids.current!)
        this.#ready.delete(queue)
        size += batch.bytes.length
        sent.push({ queue, batch })
      }
      const parts = sent.map(({ queue, batch }) => ({
        topic: queue.topic,
        partition: queue.partition,
        batch: batch.bytes,
      }))
      for (const { queue } of sent) this.#topics.get(queue.topic)?.sent(queue)
      sender.send(connection, parts).then(
        ({ results }) => {
          for (const { queue, batch } of sent) {
            const result = results.get(queue.topic)?.get(queue.partition)
            if (result === undefined)
              this.#unanswered(queue, batch, new Error('partition missing in the answer'))
            else if (queue.answer(batch, result) === 'refresh') this.#failed(queue, result.errorCode)
            this.#activate(queue)
          }
          this.#schedule()
        },
        (error: unknown) => {
          for (const { queue, batch } of sent) this.#unanswered(queue, batch, error)
          this.#schedule()
        },
      )
    }
  }

  #sender(leader: number): BrokerSender {
    let sender = this.#senders.get(leader)
    if (sender === undefined) {
      const ackTimeoutMs = Math.max(250, Math.min(5_000, Math.floor(this.#timeoutMs * 0.4)))
      sender = new BrokerSender(this.#cluster, leader, ackTimeoutMs)
      this.#senders.set(leader, sender)
    }
    return sender
  }

  #unanswered(queue: PartitionQueue, batch: Batch, error: unknown): void {
    queue.unanswered(batch, error)
    this.#activate(queue)
    this.#failed(queue, error)
  }

  #failed(queue: PartitionQueue, cause: unknown): void {
    const { topic, partition, failures } = queue
    if (failures === 1) this.#log.warn({ topic, partition, cause }, 'a batch failed and is sent again')
    this.#refresh(queue)
  }

  /** Asks who leads the partition now, then goes on; a topic that is gone for good ends its records. */
  #refresh(queue: PartitionQueue): void {
    const queues = this.#topics.get(queue.topic)
    this.#cluster.refreshTopic(queue.topic).then(
      (info) => {
        if (info !== undefined) this.#queuesOf(info)
        else if (queues !== undefined && queues.missing(performance.now())) this.#dropTopic(queues)
        this.#schedule()
      },
      () => {},
    )
  }

  #dropTopic(queues: TopicQueues): void {
    queues.abandon(new Problem('topic_not_found', { outcome: 'not_written' }))
    if (this.#topics.get(queues.info.name) === queues) this.#topics.delete(queues.info.name)
  }

  #sweep(): void {
    const now = performance.now()
    for (const queue of this.#active) {
      queue.expire(now)
      if (queue.hasWork) this.#activate(queue)
      else this.#active.delete(queue)
    }
    if (this.#active.size > 0) this.#schedule()
    else {
      clearInterval(this.#sweeper)
      this.#sweeper = undefined
    }
  }

  /** Gives whatever is still waiting an outcome and ends the connections. */
  close(): void {
    this.#closed = true
    clearInterval(this.#sweeper)
    this.#ids.close()
    const problem = new Problem('shutting_down', { outcome: 'not_written' })
    for (const queues of this.#topics.values()) queues.abandon(problem)
    for (const sender of this.#senders.values()) sender.close()
  }
}

function noSuchPartition(partition: number | undefined, info: TopicInfo): Problem {
  return new Problem('partition_not_found', {
    detail: `Topic ${info.name} has partitions 0 to ${info.partitions.length - 1}, not ${partition}.`,
    outcome: 'not_written',
  })
}

async function withDeadline<T>(promise: Promise<T>, deadline: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(unavailable('Kafka did not answer in time.')),
      deadline - performance.now(),
    )
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
