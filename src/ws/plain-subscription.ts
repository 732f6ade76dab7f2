import { setTimeout as pause } from 'node:timers/promises'
import type { Deps } from '../deps.ts'
import type { TopicInfo } from '../kafka/cluster.ts'
import type { PartitionPosition, ReaderEvent } from '../kafka/record-reader.ts'
import { Problem } from '../problem.ts'
import { encodeCursors } from '../records/cursor.ts'
import type { WsConnection } from './connection.ts'
import { lookUpTopics, positionLost, readerPositions, startPositions } from './positions.ts'
import { socketReader, Stream } from './stream.ts'
import type { Subscription } from './subscription.ts'
import type { SubscriptionOptions } from './subscription-options.ts'

/** How often new partitions are looked for, ms. */
const PARTITION_WATCH_MS = 5_000
/** Before Kafka is asked again where to go on, ms. */
const RETRY_MS = 200

type Lost = Extract<ReaderEvent, { kind: 'lost' }>

/** A socket that reads every partition of its topics by itself. Nothing is committed: each frame's cursor resumes after it. */
export class PlainSubscription implements Subscription {
  readonly #deps: Deps
  readonly #connection: WsConnection
  readonly #options: SubscriptionOptions
  readonly #stream: Stream
  #topics: readonly TopicInfo[] = []
  /** By topic and partition: where reading goes on. */
  readonly #positions = new Map<string, Map<number, number>>()
  #watch: NodeJS.Timeout | undefined
  #stopped = false

  constructor(deps: Deps, connection: WsConnection, options: SubscriptionOptions) {
    this.#deps = deps
    this.#connection = connection
    this.#options = options
    const reader = socketReader(deps.cluster, options, deps.config.limits)
    this.#stream = new Stream(connection, reader, options, {
      delivered: (topic, partition, _last, position) =>
        void this.#positions.get(topic)?.set(partition, position),
      flushed: () => {},
      lost: (event) => this.#positionLost(event),
      cursor: () => this.#cursor(),
    })
  }

  async start(): Promise<void> {
    const { cluster } = this.#deps
    this.#topics = await lookUpTopics(cluster, this.#options.topics)
    const positions = await readerPositions(cluster, this.#topics, this.#options)
    if (this.#stopped) return
    this.#assign(positions)
    this.#watch = setInterval(() => void this.#addPartitions(), PARTITION_WATCH_MS).unref()
  }

  run(): Promise<void> {
    return this.#stream.run()
  }

  /** @throws Problem invalid_parameter for more partitions than a cursor can hold */
  #assign(positions: readonly PartitionPosition[]): void {
    if (positions.length === 0) return
    for (const { topic, partition, offset } of positions) {
      let offsets = this.#positions.get(topic)
      if (offsets === undefined) this.#positions.set(topic, (offsets = new Map()))
      offsets.set(partition, offset)
    }
    this.#cursor()
    const partitions = positions.map(({ topic, partition, offset }) => ({ topic, partition, offset }))
    this.#connection.send({ type: 'assigned', partitions })
    this.#stream.assign(positions)
  }

  #cursor(): string {
    return encodeCursors(
      this.#topics.map(({ name, id }) => ({ topic: name, topicId: id, offsets: this.#positions.get(name)! })),
    )
  }

  /** A partition added to a topic is read from its start: no record in it was there before. */
  async #addPartitions(): Promise<void> {
    const { cluster } = this.#deps
    try {
      for (const topic of this.#topics) {
        const info = await cluster.refreshTopic(topic.name)
        const known = this.#positions.get(topic.name)
        if (info?.id !== topic.id || known === undefined) continue
        const added = info.partitions.map(({ partition }) => partition).filter((p) => !known.has(p))
        const { isolation } = this.#options
        const positions = await startPositions(cluster, info, added, { kind: 'earliest' }, isolation)
        // Looked for in turns that may overlap where Kafka is slow.
        if (!this.#stopped) this.#assign(positions.filter(({ partition }) => !known.has(partition)))
      }
    } catch (error) {
      this.#connection.log.debug({ error }, 'could not look for new partitions')
    }
  }

  /** Says what is gone and what there is, then goes on at the earliest record: nothing that exists is skipped. */
  #positionLost(event: Lost): void {
    const problem = positionLost(event)
    if (event.reason !== 'out_of_range') return this.#connection.fail(problem)
    this.#connection.sendError(problem)
    this.#resume(event).catch((error: unknown) => {
      this.#connection.fail(
        error instanceof Problem ? error : new Problem('internal_error', { cause: error }),
      )
    })
  }

  async #resume({ topic, partition }: Lost): Promise<void> {
    const { isolation } = this.#options
    const info = this.#topics.find(({ name }) => name === topic)!
    while (!this.#stopped) {
      try {
        const positions = await startPositions(
          this.#deps.cluster,
          info,
          [partition],
          { kind: 'earliest' },
          isolation,
        )
        if (!this.#stopped) this.#assign(positions)
        return
      } catch (error) {
        if (!(error instanceof Problem && error.row.retryable)) throw error
      }
      await pause(RETRY_MS)
    }
  }

  pong(): void {}

  ack(): void {
    throw new Problem('unknown_delivery', {
      detail: 'Without a group nothing is committed: there is nothing to ack.',
    })
  }

  async stop(): Promise<void> {
    this.#stopped = true
    clearInterval(this.#watch)
    this.#stream.stop()
  }
}
