import { setTimeout as pause } from 'node:timers/promises'
import type { Cluster, TopicInfo } from '../kafka/cluster.ts'
import type { Isolation, PartitionPosition, ReaderEvent } from '../kafka/record-reader.ts'
import { Problem } from '../problem.ts'
import { encodeCursors } from '../records/cursor.ts'
import type { StartPosition } from '../start-position.ts'
import { CatchUp } from './catch-up.ts'
import type { EventReader } from './event-reader.ts'
import type { StreamEvent } from './events.ts'
import { lookUpTopics, positionLost, readerPositions, startPositions } from './positions.ts'

/** How often new partitions are looked for, ms. */
const PARTITION_WATCH_MS = 5_000
/** Before Kafka is asked again where to go on, ms. */
const RETRY_MS = 200

type Lost = Extract<ReaderEvent, { kind: 'lost' }>

export interface TopicStreamOptions {
  readonly topics: readonly string[]
  readonly from: StartPosition
  /** Where to go on instead, for the topics that it names. */
  readonly cursor: string | undefined
  readonly isolation: Isolation
}

interface StreamLog {
  debug(fields: object, message: string): void
}

/**
 * Reads every partition of some topics without a group, for one client, whatever carries it there. Nothing is committed:
 * the position is in the cursor. next() gives what there is to say; how far of it the client was told is told to moveTo(),
 * and the cursor follows. Not calling next() is the flow control: a reader that nobody empties stops fetching.
 */
export class TopicStream {
  readonly #cluster: Cluster
  readonly #reader: EventReader
  readonly #log: StreamLog
  readonly #options: TopicStreamOptions
  #topics: readonly TopicInfo[] = []
  /** By topic and partition: where reading goes on. */
  readonly #positions = new Map<string, Map<number, number>>()
  readonly #catchUp = new CatchUp()
  /** What is to be said that did not come from the reader. */
  #own: StreamEvent[] = []
  /** Ends the wait for the reader, for the sake of these. */
  #interrupt = new AbortController()
  #watch: NodeJS.Timeout | undefined
  #stopped = false

  constructor(cluster: Cluster, reader: EventReader, log: StreamLog, options: TopicStreamOptions) {
    this.#cluster = cluster
    this.#reader = reader
    this.#log = log
    this.#options = options
  }

  /**
   * Finds out where to start, and begins to read.
   * @throws Problem topic_not_found, invalid_cursor, position_lost; invalid_parameter for more partitions than a cursor can
   * hold; and as Cluster.topic
   */
  async start(): Promise<void> {
    this.#topics = await lookUpTopics(this.#cluster, this.#options.topics)
    const positions = await readerPositions(this.#cluster, this.#topics, this.#options)
    if (this.#stopped) return
    this.#assign(positions)
    this.#watch = setInterval(() => void this.#addPartitions(), PARTITION_WATCH_MS).unref()
  }

  /**
   * What came since the last call, as soon as there is something; nothing once stopped, or where the signal is aborted.
   * One call at a time.
   * @throws Problem where reading can't go on
   */
  async next(signal: AbortSignal): Promise<StreamEvent[]> {
    while (!this.#stopped && !signal.aborted) {
      if (this.#own.length > 0) return this.#own.splice(0)
      const events = this.#translate(await this.#read(signal))
      if (events.length > 0) return events
    }
    return []
  }

  /** The client has been sent everything of a partition up to `offset`. */
  moveTo(topic: string, partition: number, offset: number): void {
    this.#positions.get(topic)?.set(partition, offset)
  }

  /** Resumes after what the client has been sent, at any replica. @throws Problem invalid_parameter where it is too long */
  cursor(): string {
    return encodeCursors(
      this.#topics.map(({ name, id }) => ({ topic: name, topicId: id, offsets: this.#positions.get(name)! })),
    )
  }

  /** Reads no more, and lets go of Kafka; next() answers nothing from now on. */
  stop(): void {
    this.#stopped = true
    clearInterval(this.#watch)
    this.#reader.close()
  }

  /** Nothing where there is something else to say, or nobody to say it to. */
  async #read(signal: AbortSignal): Promise<ReaderEvent[]> {
    if (this.#interrupt.signal.aborted) this.#interrupt = new AbortController()
    const interrupt = this.#interrupt
    const abort = () => interrupt.abort()
    signal.addEventListener('abort', abort, { once: true })
    try {
      return await this.#reader.next(interrupt.signal)
    } catch (error) {
      if (interrupt.signal.aborted) return []
      throw error
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  #say(event: StreamEvent): void {
    if (this.#stopped) return
    this.#own.push(event)
    this.#interrupt.abort()
  }

  #translate(events: readonly ReaderEvent[]): StreamEvent[] {
    const said = events.map((event): StreamEvent => {
      switch (event.kind) {
        case 'records':
        case 'progress':
          return event
        case 'lost':
          return this.#lost(event)
        case 'corrupt': {
          const detail = `${event.topic}, partition ${event.partition}: the batch at offset ${event.offset} cannot be read.`
          return { kind: 'problem', problem: new Problem('internal_error', { detail }), final: false }
        }
      }
    })
    let isCaughtUp = false
    for (const event of events) isCaughtUp = this.#catchUp.reached(event) || isCaughtUp
    if (isCaughtUp) said.push({ kind: 'caughtUp' })
    return said
  }

  /** @throws Problem invalid_parameter for more partitions than a cursor can hold */
  #assign(positions: readonly PartitionPosition[]): void {
    if (positions.length === 0) return
    for (const { topic, partition, offset } of positions) {
      let offsets = this.#positions.get(topic)
      if (offsets === undefined) this.#positions.set(topic, (offsets = new Map()))
      offsets.set(partition, offset)
    }
    this.cursor()
    this.#say({ kind: 'assigned', positions })
    this.#catchUp.assigned(positions)
    this.#reader.assign(positions)
  }

  /** A partition added to a topic is read from its start: no record in it was there before. */
  async #addPartitions(): Promise<void> {
    try {
      for (const topic of this.#topics) {
        const info = await this.#cluster.refreshTopic(topic.name)
        const known = this.#positions.get(topic.name)
        if (info?.id !== topic.id || known === undefined) continue
        const added = info.partitions.map(({ partition }) => partition).filter((p) => !known.has(p))
        const positions = await this.#earliest(info, added)
        // Looked for in turns that may overlap where Kafka is slow.
        if (!this.#stopped) this.#assign(positions.filter(({ partition }) => !known.has(partition)))
      }
    } catch (error) {
      this.#log.debug({ error }, 'could not look for new partitions')
    }
  }

  /** Says what is gone and what there is, then goes on at the earliest record: nothing that exists is skipped. */
  #lost(event: Lost): StreamEvent {
    const final = event.reason !== 'out_of_range'
    if (!final) {
      this.#resume(event).catch((error: unknown) => {
        const problem = error instanceof Problem ? error : new Problem('internal_error', { cause: error })
        this.#say({ kind: 'problem', problem, final: true })
      })
    }
    return { kind: 'problem', problem: positionLost(event), final }
  }

  async #resume({ topic, partition }: Lost): Promise<void> {
    const info = this.#topics.find(({ name }) => name === topic)!
    while (!this.#stopped) {
      try {
        const positions = await this.#earliest(info, [partition])
        if (!this.#stopped) this.#assign(positions)
        return
      } catch (error) {
        if (!(error instanceof Problem && error.row.retryable)) throw error
      }
      await pause(RETRY_MS)
    }
  }

  #earliest(topic: TopicInfo, partitions: readonly number[]): Promise<PartitionPosition[]> {
    return startPositions(this.#cluster, topic, partitions, { kind: 'earliest' }, this.#options.isolation)
  }
}
