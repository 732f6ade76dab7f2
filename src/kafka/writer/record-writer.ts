import type { Logger } from 'pino'
import { Problem } from '../../problems/problem.ts'
import type { Cluster, TopicInfo } from '../cluster.ts'
import { problemFromKafka } from '../errors.ts'
import { Deadline } from '../deadline.ts'
import type { OutgoingRecord } from '../../records/record.ts'
import type { Codec } from '../wire/compress.ts'
import type { Acks } from '../wire/produce.ts'
import { recordSizeBound } from '../wire/record-batch-writer.ts'
import { Dispatcher } from './dispatcher.ts'
import { TopicQueues } from './topic-queues.ts'
import { type RecordResult, WriteRequest } from './write-request.ts'

export interface RecordWriterOptions {
  /** Milliseconds within which every record has its outcome. */
  readonly timeoutMs: number
  /** Who must have a record for it to be written; all in-sync replicas where left out. */
  readonly acks?: Acks
  /** How the batches of a topic are compressed; not at all where left out. */
  readonly codecOf?: (topic: string) => Codec
}

/** Calls that were given the same order enter their records in the order of the calls, whatever each has to wait for. */
export interface WriteOrder {
  /** Settles when the last of them that had to wait has entered its own. */
  turn?: Promise<void> | undefined
}

export interface WriteOptions {
  /** Left out where a call's place among others does not matter. */
  readonly order?: WriteOrder | undefined
  /** Milliseconds within which every record has its outcome. */
  readonly timeoutMs?: number | undefined
  /** Called when the records wait to be sent, with what gives up those of them that still do. */
  readonly onQueued?: ((cancel: () => void) => void) | undefined
}

const LOOK_UP_INTERVAL_MS = 100
/** Topics that nobody has written to for this long are forgotten, ms, once there are many. */
const IDLE_TOPIC_MS = 600_000
const MANY_TOPICS = 1_000

/**
 * Writes records, each exactly once in the log or told otherwise (KIP-98, as Java's `RecordAccumulator` and `Sender` do):
 * a queue per partition, emptied by the dispatcher. A lone record leaves at once; under load batches form while requests
 * are in flight.
 */
export class RecordWriter {
  readonly #cluster: Cluster
  readonly #timeoutMs: number
  readonly #codecOf: (topic: string) => Codec
  readonly #dispatcher: Dispatcher
  readonly #topics = new Map<string, TopicQueues>()
  #pruneAt = MANY_TOPICS
  #closed = false

  constructor(cluster: Cluster, options: RecordWriterOptions, log: Logger) {
    const { timeoutMs, acks = 'all', codecOf = () => 'none' } = options
    this.#cluster = cluster
    this.#timeoutMs = timeoutMs
    this.#codecOf = codecOf
    this.#dispatcher = new Dispatcher(cluster, log, acks, timeoutMs, {
      found: (info) => this.#topics.get(info.name)?.update(info),
      missing: (topic) => this.#missing(topic),
    })
  }

  /** Gets a producer id ahead of the first record; records wait for it until their deadline. */
  start(): void {
    this.#dispatcher.ids.renew()
  }

  /**
   * Writes records to one topic. Resolves within `timeoutMs` with the outcome of each, in the order given; records of
   * one partition keep that order in the log.
   * @throws Problem topic_not_found; kafka_unavailable and its like where the topic could not be looked up; nothing was written
   */
  async write(
    topic: string,
    records: readonly OutgoingRecord[],
    options: WriteOptions = {},
  ): Promise<RecordResult[]> {
    const deadline = performance.now() + (options.timeoutMs ?? this.#timeoutMs)
    const info = options.order?.turn === undefined ? this.#known(topic, records) : undefined
    return info === undefined
      ? this.#enterInTurn(topic, records, deadline, options)
      : this.#enter(info, records, deadline, options)
  }

  /** The topic as last seen, unless a record names a partition that it lacked then. */
  #known(topic: string, records: readonly OutgoingRecord[]): TopicInfo | undefined {
    const info = this.#cluster.cachedTopic(topic)
    return info === undefined || namesOther(records, info) ? undefined : info
  }

  /** Looks the topic up, and enters the records once those that come before them in their order have been. */
  async #enterInTurn(
    topic: string,
    records: readonly OutgoingRecord[],
    deadline: number,
    options: WriteOptions,
  ): Promise<RecordResult[]> {
    const { order = {} } = options
    const earlier = order.turn
    const { promise: turn, resolve: entered } = Promise.withResolvers<void>()
    order.turn = turn
    try {
      const info = await this.#current(topic, records, deadline).finally(() => earlier)
      return this.#enter(info, records, deadline, options)
    } catch (error) {
      this.#cluster.meter.traffic.refused(records.length)
      throw error
    } finally {
      entered()
      if (order.turn === turn) order.turn = undefined
    }
  }

  async #current(topic: string, records: readonly OutgoingRecord[], deadline: number): Promise<TopicInfo> {
    const left = () => deadline - performance.now()
    const info = this.#cluster.cachedTopic(topic) ?? (await this.#lookUp(topic, left()))
    // Partitions may have been added since the topic was last looked at.
    return namesOther(records, info) ? this.#lookUp(topic, left(), 'again') : info
  }

  /** Puts records into their queues, in this turn of the event loop. */
  #enter(
    info: TopicInfo,
    records: readonly OutgoingRecord[],
    deadline: number,
    { onQueued }: WriteOptions,
  ): Promise<RecordResult[]> {
    if (this.#closed) throw new Problem('shutting_down', { outcome: 'not_written' })
    if (records.length === 0) return Promise.resolve([])
    const { promise, resolve } = Promise.withResolvers<RecordResult[]>()
    const { traffic } = this.#cluster.meter
    const request = new WriteRequest(records.length, (results) => {
      traffic.produced(info.name, records, results)
      resolve(results)
    })
    const now = performance.now()
    const queues = this.#queuesOf(info, now)
    const date = Date.now()
    records.forEach((record, index) => {
      const queue = queues.route(record, now)
      if (queue === undefined) {
        request.settle(index, { outcome: 'not_written', problem: noSuchPartition(record.partition, info) })
        return
      }
      const stamped = { ...record, timestamp: record.timestamp ?? date }
      const size = recordSizeBound(record)
      queue.push({ record: stamped, size, deadline, request, index, settled: false }, now)
      this.#dispatcher.wake(queue)
    })
    if (!request.settled) {
      onQueued?.(() => {
        if (!request.settled) queues.cancel(request)
      })
    }
    return promise
  }

  /** Looks a topic up until it is found, is known not to exist, or time is up. */
  async #lookUp(topic: string, timeoutMs: number, again?: 'again'): Promise<TopicInfo> {
    const deadline = new Deadline(timeoutMs)
    for (;;) {
      try {
        const ask = again ? this.#cluster.refreshTopic(topic) : this.#cluster.topic(topic)
        const info = await deadline.within(ask)
        if (info !== undefined) return info
        this.#missing(topic)
        throw new Problem('topic_not_found', { outcome: 'not_written' })
      } catch (error) {
        const problem = problemFromKafka(error)
        const isPassing = problem.code === 'kafka_unavailable' && deadline.left > LOOK_UP_INTERVAL_MS
        if (!isPassing || this.#closed)
          throw new Problem(problem.code, { ...problem.options, outcome: 'not_written' })
        await deadline.pause(LOOK_UP_INTERVAL_MS)
      }
    }
  }

  #queuesOf(info: TopicInfo, now: number): TopicQueues {
    let queues = this.#topics.get(info.name)
    if (queues === undefined) {
      if (this.#topics.size >= this.#pruneAt) this.#prune(now)
      queues = new TopicQueues(info, this.#dispatcher, this.#codecOf(info.name), this.#cluster.meter)
      this.#topics.set(info.name, queues)
    } else if (queues.info !== info) queues.update(info)
    queues.usedAt = now
    return queues
  }

  #prune(now: number): void {
    for (const queues of this.#topics.values()) {
      if (!queues.hasWork && now - queues.usedAt > IDLE_TOPIC_MS) this.#forget(queues)
    }
    this.#pruneAt = Math.max(MANY_TOPICS, this.#topics.size * 2)
  }

  /** A topic that is gone for good ends its records. */
  #missing(topic: string): void {
    const queues = this.#topics.get(topic)
    if (queues === undefined || !queues.missing(performance.now())) return
    this.#forget(queues)
    queues.abandon(new Problem('topic_not_found', { outcome: 'not_written' }))
  }

  /**
   * Its partitions' sequence numbers are forgotten with it. Under the same producer id they would start again at 0, and
   * a broker that still knows them, because the topic was not gone after all, would take new records for old ones.
   */
  #forget(queues: TopicQueues): void {
    this.#topics.delete(queues.info.name)
    this.#dispatcher.ids.retire()
  }

  /** Gives whatever is still waiting an outcome and ends the connections. */
  close(): void {
    this.#closed = true
    this.#dispatcher.close()
    const problem = new Problem('shutting_down', { outcome: 'not_written' })
    for (const queues of this.#topics.values()) queues.abandon(problem)
  }
}

function namesOther(records: readonly OutgoingRecord[], { partitions }: TopicInfo): boolean {
  return records.some(({ partition }) => partition !== undefined && partition >= partitions.length)
}

function noSuchPartition(partition: number | undefined, info: TopicInfo): Problem {
  return new Problem('partition_not_found', {
    detail: `Topic ${info.name} has partitions 0 to ${info.partitions.length - 1}, not ${partition}.`,
    outcome: 'not_written',
  })
}
