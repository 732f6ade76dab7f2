import type { Deps } from '../deps.ts'
import { Problem } from '../problems/problem.ts'
import { openSharedReader } from '../streams/event-reader.ts'
import type { ProgressEvent, RecordsEvent, StreamEvent } from '../streams/events.ts'
import { isSharedTurn, Renderings } from '../streams/renderings.ts'
import { TopicStream } from '../streams/topic-stream.ts'
import type { TraceSpan } from '../tracing/tracing.ts'
import { CLOSE_DONE } from './close-codes.ts'
import type { WsConnection } from './connection.ts'
import { Feed } from './feed.ts'
import { RecordsFrame } from './records-frame.ts'
import type { Subscription } from './subscription.ts'
import type { SubscriptionOptions } from './subscription-options.ts'

/** Frames that many sockets are sent. */
const shared = new Renderings<readonly Buffer[]>()

/** A socket that reads every partition of its topics by itself. Nothing is committed: each frame's cursor resumes after it. */
export class PlainSubscription implements Subscription {
  readonly #deps: Deps
  readonly #connection: WsConnection
  readonly #span: TraceSpan | undefined
  readonly feed: Feed
  readonly #stream: TopicStream
  readonly #format: SubscriptionOptions['format']
  readonly #frame: RecordsFrame

  /** `span` of the handshake. */
  constructor(deps: Deps, connection: WsConnection, options: SubscriptionOptions, span?: TraceSpan) {
    this.#span = span
    this.#deps = deps
    this.#connection = connection
    this.#format = options.format
    const reader = openSharedReader(deps.cluster, options.isolation, deps.config.limits)
    this.feed = new Feed(deps.cluster, connection, reader, options, undefined, (positions) =>
      this.#stream.seek(positions),
    )
    this.#stream = new TopicStream(deps.cluster, this.feed.reader, connection.log, options)
    this.#frame = new RecordsFrame(options.format, () => this.#stream.cursor().toString())
  }

  start(): Promise<void> {
    return this.#stream.start()
  }

  /** Sends one turn of events in few frames, and the next only when the socket has taken enough of them. */
  async run(): Promise<void> {
    const { signal } = this.#connection
    for (;;) {
      const events = await this.#stream.next(signal)
      if (events.length === 0) return
      if (isSharedTurn(events) && events.every((event) => this.feed.reader.isCurrent(event))) {
        const cursor = this.#stream.cursor().toString()
        const frames = shared.of(events, this.#format, cursor, () => this.#frames(events))
        for (const frame of frames) this.#connection.sendRecords(frame)
        for (const event of events) {
          this.#passed(event)
          if (event.kind === 'records') this.#count(event)
        }
      } else for (const event of events) this.#tell(event)
      this.#endFrame()
      this.feed.receipts.ping()
      await this.#connection.writable()
    }
  }

  /** The frames for some events, which count as sent. */
  #frames(events: readonly (RecordsEvent | ProgressEvent)[]): Buffer[] {
    const frames: Buffer[] = []
    for (const event of events) {
      if (event.kind === 'records') this.#records(event, (frame) => frames.push(frame))
      else this.#passed(event)
    }
    this.#frame.end((frame) => frames.push(frame))
    return frames
  }

  #tell(event: StreamEvent): void {
    // Paused or repositioned between being taken and now.
    if ('partition' in event && !this.feed.reader.isCurrent(event)) return
    if (event.kind === 'records') {
      this.#records(event, (frame) => this.#connection.sendRecords(frame))
      return this.#count(event)
    }
    this.#endFrame()
    this.#other(event)
  }

  #records(event: RecordsEvent, send: (frame: Buffer) => void): void {
    const { topic, partition, records } = event
    for (const record of records) {
      this.#frame.add(topic, partition, record)
      if (!this.#frame.full) continue
      this.#sent(topic, partition, record.offset, record.offset + 1)
      this.#frame.end(send)
    }
    this.#passed(event)
  }

  /** To be told of what went to this client; what is rendered for many may be rendered by another. */
  #count(event: RecordsEvent): void {
    const { cluster, tracing } = this.#deps
    cluster.meter.traffic.delivered(event.topic, event.records)
    tracing?.delivered(event, { span: this.#span })
  }

  /** An event has been sent as a whole. */
  #passed(event: RecordsEvent | ProgressEvent): void {
    const last = event.kind === 'records' ? (event.records.at(-1)?.offset ?? -1) : -1
    this.#sent(event.topic, event.partition, last, event.nextOffset)
  }

  #sent(topic: string, partition: number, lastRecord: number, position: number): void {
    this.#stream.moveTo(topic, partition, position)
    this.feed.sent(topic, partition, lastRecord, position)
  }

  #endFrame(): void {
    this.#frame.end((frame) => this.#connection.sendRecords(frame))
  }

  #other(event: Exclude<StreamEvent, RecordsEvent>): void {
    switch (event.kind) {
      case 'assigned': {
        this.feed.receipts.assigned(event.positions)
        const partitions = event.positions.map(({ topic, partition, offset }) => ({
          topic,
          partition,
          offset,
        }))
        return this.#connection.send({ type: 'assigned', partitions })
      }
      case 'revoked': {
        const { partitions } = event
        this.feed.receipts.removed(partitions)
        return this.#connection.send({ type: 'revoked', partitions: [...partitions], reason: 'lost' })
      }
      case 'progress':
        return this.#passed(event)
      case 'problem':
        return event.final ? this.#connection.fail(event.problem) : this.#connection.sendError(event.problem)
      case 'caughtUp':
        return this.#connection.send({ type: 'caughtUp' })
      case 'end': {
        const cursor = this.#stream.cursor().toString()
        this.#connection.send({ type: 'end', reason: event.reason, cursor })
        return this.#connection.close(CLOSE_DONE, 'the end')
      }
    }
  }

  pong(ticket: number): void {
    this.feed.receipts.pong(ticket)
  }

  ack(): void {
    throw new Problem('unknown_delivery', {
      detail: 'Without a group nothing is committed: there is nothing to ack.',
    })
  }

  async stop(): Promise<void> {
    this.feed.stop()
    this.#stream.stop()
  }
}
