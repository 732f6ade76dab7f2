import type { Deps } from '../deps.ts'
import type { TopicInfo } from '../kafka/cluster.ts'
import { type PartitionPosition, RecordReader, type ReaderEvent } from '../kafka/record-reader.ts'
import { Problem } from '../problem.ts'
import { decodeCursors, encodeCursors } from '../records/cursor.ts'
import type { WsConnection } from './connection.ts'
import { positionLost, startPositions } from './positions.ts'
import { lookUpTopics, Stream } from './stream.ts'
import type { Subscription } from './subscription.ts'
import type { SubscriptionOptions } from './subscription-options.ts'

/** How often new partitions are looked for, ms. */
const PARTITION_WATCH_MS = 5_000

/** A socket that reads every partition of its topics by itself. Nothing is committed: each frame's cursor resumes after it. */
export class PlainSubscription implements Subscription {
  readonly #deps: Deps
  readonly #connection: WsConnection
  readonly #options: SubscriptionOptions
  readonly #reader: RecordReader
  readonly #stream: Stream
  #topics: readonly TopicInfo[] = []
  /** By topic and partition: where reading goes on. */
  readonly #positions = new Map<string, Map<number, number>>()
  #watch: NodeJS.Timeout | undefined

  constructor(deps: Deps, connection: WsConnection, options: SubscriptionOptions) {
    this.#deps = deps
    this.#connection = connection
    this.#options = options
    this.#reader = new RecordReader(deps.cluster, {
      isolation: options.isolation,
      bufferBytes: deps.config.limits.wsBufferBytes,
    })
    this.#stream = new Stream(connection, this.#reader, options, {
      delivered: (topic, partition, _last, position) =>
        void this.#positions.get(topic)?.set(partition, position),
      flushed: () => {},
      lost: (event) => this.#positionLost(event),
      cursor: () => this.#cursor(),
    })
  }

  async start(): Promise<void> {
    const { cluster } = this.#deps
    const { from, cursor, isolation } = this.#options
    this.#topics = await lookUpTopics(cluster, this.#options.topics)
    const given = cursor === undefined ? undefined : decodeCursors(cursor, this.#topics)
    const positions = await Promise.all(
      this.#topics.map((topic) => startPositions(cluster, topic, from, isolation, given?.get(topic.name))),
    )
    this.#assign(positions.flat())
    this.#watch = setInterval(() => void this.#addPartitions(), PARTITION_WATCH_MS).unref()
  }

  run(): Promise<void> {
    return this.#stream.run()
  }

  #assign(positions: readonly PartitionPosition[]): void {
    if (positions.length === 0) return
    for (const { topic, partition, offset } of positions) {
      let offsets = this.#positions.get(topic)
      if (offsets === undefined) this.#positions.set(topic, (offsets = new Map()))
      offsets.set(partition, offset)
    }
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
    try {
      for (const topic of this.#topics) {
        const info = await this.#deps.cluster.refreshTopic(topic.name)
        const known = this.#positions.get(topic.name)
        if (info?.id !== topic.id || known === undefined || this.#connection.signal.aborted) continue
        const added = info.partitions.filter(({ partition }) => !known.has(partition))
        this.#assign(
          added.map(({ partition }) => ({ topic: topic.name, topicId: topic.id, partition, offset: 0 })),
        )
      }
    } catch (error) {
      this.#connection.log.debug({ error }, 'could not look for new partitions')
    }
  }

  /** Says what is gone and what there is, then goes on at the earliest record: nothing that exists is skipped. */
  #positionLost(event: Extract<ReaderEvent, { kind: 'lost' }>): void {
    const problem = positionLost(event)
    const { topic, partition, earliest, reason } = event
    const topicId = this.#topics.find(({ name }) => name === topic)?.id
    if (reason === 'out_of_range' && earliest !== undefined && topicId !== undefined) {
      this.#connection.sendError(problem)
      this.#assign([{ topic, topicId, partition, offset: earliest }])
    } else this.#connection.fail(problem)
  }

  pong(): void {}

  ack(): void {
    throw new Problem('unknown_delivery', {
      detail: 'Without a group nothing is committed: there is nothing to ack.',
    })
  }

  async stop(): Promise<void> {
    clearInterval(this.#watch)
    this.#reader.close()
  }
}
