import { setTimeout as pause } from 'node:timers/promises'
import type { Cluster, TopicInfo } from '../kafka/cluster.ts'
import type { PartitionPosition, ReaderEvent } from '../kafka/record-reader.ts'
import { Problem } from '../problems/problem.ts'
import { checkLength, cursorText } from '../records/cursor.ts'
import type { CursorText } from '../records/cursor-text.ts'
import type { RecordFilter } from '../records/record-filter.ts'
import type { EndPosition } from '../records/start-position.ts'
import { CatchUp } from './catch-up.ts'
import type { EventReader } from './event-reader.ts'
import type { EndReason, ProgressEvent, RecordsEvent, StreamEvent } from './events.ts'
import { refuseLost, type StartOptions, toPositions, type TopicStart } from './find-start.ts'
import { Goal } from './goal.ts'
import { MatchedTopics } from './matched-topics.ts'
import { positionLost, startPositions } from './positions.ts'
import { SaidFirst } from './said-first.ts'
import { TopicSelection } from './topic-selection.ts'
import { trimmed } from './trim.ts'
import { keyOf, type TopicPartition } from '../kafka/topic-partition.ts'

/** How often new partitions are looked for, ms. */
const PARTITION_WATCH_MS = 5_000
/** Before Kafka is asked again where to go on, ms. */
const RETRY_MS = 200
/** The longest timer there is, ms. */
const MAX_TIMER_MS = 0x7fffffff

type Lost = Extract<ReaderEvent, { kind: 'lost' }>

export interface TopicStreamOptions extends StartOptions {
  /** Names and patterns. */
  readonly topics: readonly string[]
  /** Which topics a pattern may stand for; any, where left out. */
  readonly isVisible?: (topic: string) => boolean
  /** Where to end; never, where left out. */
  readonly until?: EndPosition | undefined
  /** The most records to give. */
  readonly limit?: number | undefined
  /** Which records to give; all, where left out. */
  readonly filter?: RecordFilter | undefined
  /** Whether a start at a position that is gone is refused, rather than told and passed. */
  readonly strict?: boolean
}

interface StreamLog {
  debug(fields: object, message: string): void
}

/**
 * Reads topics without a group, for one client, whatever carries it there. Nothing is committed: the position is in the
 * cursor. next() gives what there is to say; how far of it the client was told is told to moveTo(), and the cursor
 * follows. Not calling next() is the flow control: a reader that nobody empties stops fetching.
 */
export class TopicStream {
  readonly #cluster: Cluster
  readonly #reader: EventReader
  readonly #log: StreamLog
  readonly #options: TopicStreamOptions
  readonly #goal: Goal
  readonly #catchUp = new CatchUp()
  readonly #selection: TopicSelection
  readonly #matched: MatchedTopics
  #starts: readonly TopicStart[] = []
  /** By name, where a topic stands among the starts. */
  #indexes: ReadonlyMap<string, number> = new Map()
  /** By topic and partition: up to where the client has been told. */
  readonly #positions = new Map<string, Map<number, number>>()
  /** The same as text, for as long as no partition is added. */
  #cursor: CursorText | undefined
  /** Partitions that have not come to their end, with how far they were read. */
  readonly #open = new Map<string, TopicPartition & { offset: number }>()
  /** Partitions that have, and whose last records are only being given out: unassigned, these would not be current. */
  #finished: TopicPartition[] = []
  /** Records still wanted. */
  #left: number
  readonly #own = new SaidFirst()
  #watch: NodeJS.Timeout | undefined
  #alarm: NodeJS.Timeout | undefined
  #ended = false
  #stopped = false

  constructor(cluster: Cluster, reader: EventReader, log: StreamLog, options: TopicStreamOptions) {
    this.#cluster = cluster
    this.#reader = reader
    this.#log = log
    this.#options = options
    this.#selection = new TopicSelection(cluster, options.topics, options.isVisible)
    const handlers = {
      starts: () => this.#starts,
      came: (starts: readonly TopicStart[]) => this.#came(starts),
      went: (topic: TopicInfo) => this.#went(topic),
      failed: (problem: Problem) => this.#say({ kind: 'problem', problem, final: true }),
    }
    this.#matched = new MatchedTopics(cluster, this.#selection, options, handlers, log)
    this.#goal = new Goal(options.until, options.isolation)
    this.#left = options.limit ?? Infinity
  }

  /**
   * Finds out where to start, and begins to read.
   * @throws Problem topic_not_found, partition_not_found, invalid_cursor, position_lost; invalid_parameter for more
   * partitions than a cursor can hold; and as Cluster.topic
   */
  async start(): Promise<void> {
    const { topics, strict = false, isolation } = this.#options
    if (strict) await Promise.all(topics.map((name) => this.#cluster.refreshTopic(name)))
    const starts = await this.#matched.find()
    if (strict) await Promise.all(starts.map((start) => refuseLost(this.#cluster, start, isolation)))
    await this.#goal.find(this.#cluster, starts)
    if (this.#stopped) return
    this.#setStarts(starts)
    this.#assign(starts.flatMap(({ topic, offsets }) => toPositions(topic, offsets)))
    if (this.#goal.isOpen && !this.#ended) {
      this.#watch = setInterval(() => void this.#addPartitions(), PARTITION_WATCH_MS).unref()
    }
    this.#matched.watch()
    this.#setAlarm()
  }

  #setStarts(starts: readonly TopicStart[]): void {
    this.#starts = starts
    this.#indexes = new Map(starts.map(({ topic }, index) => [topic.name, index]))
    this.#cursor = undefined
  }

  #came(starts: readonly TopicStart[]): void {
    if (!this.#goal.isOpen) return
    this.#setStarts([...this.#starts, ...starts])
    this.#assign(starts.flatMap(({ topic, offsets }) => toPositions(topic, offsets)))
  }

  /** Reads a topic that is gone no more. */
  #went({ name }: TopicInfo): void {
    const numbers = [...(this.#positions.get(name)?.keys() ?? [])]
    const partitions = numbers.map((partition) => ({ topic: name, partition }))
    this.#positions.delete(name)
    this.#setStarts(this.#starts.filter(({ topic }) => topic.name !== name))
    for (const partition of partitions) this.#open.delete(keyOf(partition))
    this.#reader.unassign(partitions)
    this.#catchUp.unassigned(partitions)
    this.#say({ kind: 'revoked', partitions })
    if (this.#catchUp.isDue()) this.#say({ kind: 'caughtUp' })
    this.#endIfDone()
  }

  /**
   * What came since the last call, as soon as there is something; nothing at the end, once stopped, or where the signal is
   * aborted. One call at a time.
   * @throws Problem where reading can't go on
   */
  async next(signal: AbortSignal): Promise<readonly StreamEvent[]> {
    while (!this.#stopped && !signal.aborted) {
      if (!this.#own.isEmpty) return this.#own.take()
      if (this.#ended) break
      if (this.#finished.length > 0) this.#reader.unassign(this.#finished.splice(0))
      const events = this.#translate(await this.#own.next(this.#reader, signal))
      if (events.length > 0) return events
    }
    return []
  }

  /** Goes on reading these at other offsets, also where their position was lost. */
  seek(positions: readonly PartitionPosition[]): void {
    if (!this.#stopped && !this.#ended) this.#assign(positions)
  }

  /** The client has been told everything of a partition up to `offset`; false where that is nothing new. */
  moveTo(topic: string, partition: number, offset: number): boolean {
    const offsets = this.#positions.get(topic)
    if (offsets === undefined || offsets.get(partition) === offset) return false
    offsets.set(partition, offset)
    this.#cursor?.move(this.#indexes.get(topic)!, partition, offset)
    return true
  }

  /** Resumes after what the client has been told, at any replica. @throws Problem invalid_parameter where it is too long */
  cursor(): CursorText {
    this.#cursor ??= cursorText(
      this.#starts.map(({ topic: { name, id }, whole }) => {
        return { topic: name, topicId: id, offsets: this.#positions.get(name)!, whole }
      }),
    )
    checkLength(this.#cursor)
    return this.#cursor
  }

  /** Reads no more, and lets go of Kafka; next() answers nothing from now on. */
  stop(): void {
    this.#stopped = true
    this.#close()
  }

  #close(): void {
    clearInterval(this.#watch)
    this.#matched.stop()
    clearTimeout(this.#alarm)
    this.#reader.close()
  }

  #say(event: StreamEvent): void {
    if (!this.#stopped) this.#own.say(event)
  }

  #end(reason: EndReason): void {
    if (this.#ended) return
    this.#ended = true
    this.#say({ kind: 'end', reason })
    this.#close()
  }

  /** The very events, where there is nothing else to tell: what others are given too can be known by that. */
  #translate(events: readonly ReaderEvent[]): readonly StreamEvent[] {
    const said: StreamEvent[] = []
    let isCaughtUp = false
    for (const event of events) {
      if (this.#left === 0) break
      if (!this.#reader.isCurrent(event)) continue
      switch (event.kind) {
        case 'records':
        case 'progress': {
          const taken = this.#take(event)
          if (taken === undefined) break
          said.push(taken)
          isCaughtUp = this.#catchUp.reached(taken) || isCaughtUp
          if (taken.nextOffset >= this.#goal.endOf(taken)) this.#finish(taken)
          break
        }
        case 'lost': {
          const problem = this.#lost(event)
          if (problem !== undefined) said.push(problem)
          break
        }
        case 'corrupt': {
          const detail = `${event.topic}, partition ${event.partition}: the batch at offset ${event.offset} cannot be read.`
          said.push({ kind: 'problem', problem: new Problem('internal_error', { detail }), final: false })
        }
      }
    }
    if (isCaughtUp) said.push({ kind: 'caughtUp' })
    if (this.#left === 0) this.#end('limit')
    else this.#endIfDone()
    const isAll = said.length === events.length && said.every((event, n) => event === events[n])
    return isAll ? (events as readonly (RecordsEvent | ProgressEvent)[]) : said
  }

  /** What of an event is to be told; undefined where the partition has come to its end. */
  #take(event: RecordsEvent | ProgressEvent): RecordsEvent | ProgressEvent | undefined {
    const open = this.#open.get(keyOf(event))
    if (open === undefined) return undefined
    this.#goal.see(event)
    const taken = trimmed(event, this.#goal.endOf(event), this.#options.filter, this.#left)
    if (taken.kind === 'records') this.#left -= taken.records.length
    open.offset = taken.nextOffset
    return taken
  }

  #finish(partition: TopicPartition): void {
    this.#open.delete(keyOf(partition))
    this.#finished.push(partition)
    this.#catchUp.unassigned([partition])
  }

  #endIfDone(): void {
    // What a pattern stands for may still come, unless it is known by now where everything ends.
    const mayCome = this.#selection.isOpen && this.#goal.isOpen
    if (this.#open.size === 0 && !mayCome) this.#end('until')
  }

  /** @throws Problem invalid_parameter for more partitions than a cursor can hold */
  #assign(positions: readonly PartitionPosition[]): void {
    for (const { topic, partition, offset } of positions) {
      let offsets = this.#positions.get(topic)
      if (offsets === undefined) this.#positions.set(topic, (offsets = new Map()))
      offsets.set(partition, offset)
      this.#open.delete(keyOf({ topic, partition }))
    }
    this.#cursor = undefined
    this.cursor()
    const open = positions.filter((position) => position.offset < this.#goal.endOf(position))
    for (const { topic, partition, offset } of open) {
      this.#open.set(keyOf({ topic, partition }), { topic, partition, offset })
    }
    // Waiting for what matches is said, too.
    if (open.length > 0 || this.#starts.length === 0) {
      this.#say({ kind: 'assigned', positions: open })
      this.#catchUp.assigned(open)
      this.#reader.assign(open)
    }
    this.#endIfDone()
  }

  /** A partition added to a topic is read from its start: no record in it was there before. */
  async #addPartitions(): Promise<void> {
    try {
      for (const { topic, whole } of this.#starts) {
        if (!whole) continue
        const info = await this.#cluster.refreshTopic(topic.name)
        const known = this.#positions.get(topic.name)
        if (info?.id !== topic.id || known === undefined) continue
        const added = info.partitions.map(({ partition }) => partition).filter((p) => !known.has(p))
        const positions = await this.#earliest(info, added)
        if (this.#stopped || this.#ended || !this.#goal.isOpen) return
        // Looked for in turns that may overlap where Kafka is slow.
        const unknown = positions.filter(({ partition }) => !known.has(partition))
        if (unknown.length > 0) this.#assign(unknown)
      }
    } catch (error) {
      this.#log.debug({ error }, 'could not look for new partitions')
    }
  }

  /** Wakes up at the time that reading is to end at, where that is still to come. */
  #setAlarm(): void {
    const ms = this.#goal.dueInMs
    if (ms === undefined || this.#ended) return
    this.#alarm = setTimeout(
      () => {
        if (this.#goal.dueInMs === 0) this.#persist(() => this.#settle())
        else this.#setAlarm()
      },
      Math.min(ms, MAX_TIMER_MS),
    ).unref()
  }

  /** The time has come: what is there by now is all that is still read. */
  async #settle(): Promise<void> {
    const byTopic = Map.groupBy(this.#open.values(), ({ topic }) => topic)
    await this.#goal.settle(
      this.#cluster,
      [...byTopic].map(
        ([name, open]) => [this.#topic(name), open.map(({ partition }) => partition)] as const,
      ),
    )
    if (this.#stopped || this.#ended) return
    for (const open of [...this.#open.values()]) if (open.offset >= this.#goal.endOf(open)) this.#finish(open)
    this.#endIfDone()
  }

  /** Says what is gone and what there is, then goes on at the earliest record: nothing that exists is skipped. */
  #lost(event: Lost): StreamEvent | undefined {
    const start = this.#starts.find(({ topic }) => topic.name === event.topic)
    // One that only matched leaves without a word but `revoked`.
    if (event.reason !== 'out_of_range' && start !== undefined && this.#matched.leave(start.topic)) {
      this.#went(start.topic)
      return undefined
    }
    const final = event.reason !== 'out_of_range'
    const open = this.#open.get(keyOf(event))
    if (!final) this.#persist(() => this.#resume(open, event))
    return { kind: 'problem', problem: positionLost(event), final }
  }

  async #resume(open: TopicPartition | undefined, { topic, partition }: Lost): Promise<void> {
    const positions = await this.#earliest(this.#topic(topic), [partition])
    // A seek may have found another place meanwhile.
    const isLost = this.#open.get(keyOf({ topic, partition })) === open
    if (!this.#stopped && !this.#ended && isLost) this.#assign(positions)
  }

  /** Does something that has to be done, again while Kafka can't be asked; where it never can, that ends the stream. */
  #persist(attempt: () => Promise<void>): void {
    const run = async () => {
      while (!this.#stopped && !this.#ended) {
        try {
          return await attempt()
        } catch (error) {
          if (!(error instanceof Problem && error.row.retryable)) throw error
        }
        await pause(RETRY_MS)
      }
    }
    run().catch((error: unknown) => {
      const problem = error instanceof Problem ? error : new Problem('internal_error', { cause: error })
      this.#say({ kind: 'problem', problem, final: true })
    })
  }

  #topic(name: string): TopicInfo {
    return this.#starts.find(({ topic }) => topic.name === name)!.topic
  }

  #earliest(topic: TopicInfo, partitions: readonly number[]): Promise<PartitionPosition[]> {
    return startPositions(this.#cluster, topic, partitions, { kind: 'earliest' }, this.#options.isolation)
  }
}
