import type { Deps } from '../deps.ts'
import { Problem } from '../problem.ts'
import { openSharedReader } from '../streams/event-reader.ts'
import type { RecordsEvent, StreamEvent } from '../streams/events.ts'
import { TopicStream } from '../streams/topic-stream.ts'
import type { WsConnection } from './connection.ts'
import { Feed } from './feed.ts'
import { RecordsFrame } from './records-frame.ts'
import type { Subscription } from './subscription.ts'
import type { SubscriptionOptions } from './subscription-options.ts'

/** A socket that reads every partition of its topics by itself. Nothing is committed: each frame's cursor resumes after it. */
export class PlainSubscription implements Subscription {
  readonly #connection: WsConnection
  readonly feed: Feed
  readonly #stream: TopicStream
  readonly #frame: RecordsFrame

  constructor(deps: Deps, connection: WsConnection, options: SubscriptionOptions) {
    this.#connection = connection
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
      for (const event of events) {
        // Paused or repositioned between being taken and now.
        if ('partition' in event && !this.feed.reader.isCurrent(event)) continue
        if (event.kind === 'records') this.#records(event)
        else {
          this.#endFrame()
          this.#other(event)
        }
      }
      this.#endFrame()
      this.feed.receipts.ping()
      await this.#connection.writable()
    }
  }

  #records({ topic, partition, records, nextOffset }: RecordsEvent): void {
    for (const record of records) {
      this.#frame.add(topic, partition, record)
      if (!this.#frame.full) continue
      this.#sent(topic, partition, record.offset, record.offset + 1)
      this.#endFrame()
    }
    this.#sent(topic, partition, records.at(-1)?.offset ?? -1, nextOffset)
  }

  #sent(topic: string, partition: number, lastRecord: number, position: number): void {
    this.#stream.moveTo(topic, partition, position)
    this.feed.sent(topic, partition, lastRecord, position)
  }

  #endFrame(): void {
    this.#frame.end((frame) => this.#connection.sendText(frame))
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
        return this.#sent(event.topic, event.partition, -1, event.nextOffset)
      case 'problem':
        return event.final ? this.#connection.fail(event.problem) : this.#connection.sendError(event.problem)
      case 'caughtUp':
        return this.#connection.send({ type: 'caughtUp' })
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
