import type { ReaderEvent } from '../kafka/record-reader.ts'
import { Problem } from '../problems/problem.ts'
import { CatchUp } from '../streams/catch-up.ts'
import type { EventReader } from '../streams/event-reader.ts'
import type { WsConnection } from './connection.ts'
import { RecordsFrame } from './records-frame.ts'
import type { SubscriptionOptions } from './subscription-options.ts'

export interface StreamHandlers {
  /** Sent up to `position`; `lastRecord` is the last record's offset, -1 where only markers or gaps were passed. */
  delivered(topic: string, partition: number, lastRecord: number, position: number): void
  /** All of an event has been sent. */
  passed(event: Extract<ReaderEvent, { kind: 'records' | 'progress' }>): void
  /** Everything of one turn has been sent. */
  flushed(): void
  /** A position that no longer exists; reading of the partition has stopped. */
  lost(event: Extract<ReaderEvent, { kind: 'lost' }>): void
}

/**
 * Moves records from a reader to a socket: one turn of events, rendered into few frames, and the next only when the
 * socket has taken enough of them. That wait is the whole flow control: a reader that nobody empties stops fetching.
 */
export class Stream {
  readonly #connection: WsConnection
  readonly #reader: EventReader
  readonly #frame: RecordsFrame
  readonly #handlers: StreamHandlers
  readonly #catchUp = new CatchUp()
  #stopped = false

  constructor(
    connection: WsConnection,
    reader: EventReader,
    options: Pick<SubscriptionOptions, 'format'>,
    handlers: StreamHandlers,
  ) {
    this.#connection = connection
    this.#reader = reader
    this.#frame = new RecordsFrame(options.format)
    this.#handlers = handlers
  }

  assign(partitions: readonly { topic: string; topicId: string; partition: number; offset: number }[]): void {
    this.#catchUp.assigned(partitions)
    this.#reader.assign(partitions)
  }

  unassign(partitions: readonly { topic: string; partition: number }[]): void {
    this.#reader.unassign(partitions)
    this.#catchUp.unassigned(partitions)
  }

  /** Reads no more; run() returns. */
  stop(): void {
    this.#stopped = true
    this.#reader.close()
  }

  /** Runs until stop(), or until the socket is gone. */
  async run(): Promise<void> {
    const { signal } = this.#connection
    await this.#connection.writable()
    while (!signal.aborted) {
      const events = await this.#next(signal)
      if (this.#stopped) return
      // Nothing is waited for in here: a partition given up meanwhile must not be sent on.
      for (const event of events) {
        // Given up, paused or repositioned between being taken and now.
        if (!this.#reader.isCurrent(event)) continue
        if (event.kind === 'records') this.#records(event)
        else {
          this.#endFrame()
          this.#other(event)
        }
      }
      this.#endFrame()
      this.#handlers.flushed()
      for (const event of events) {
        if (this.#reader.isCurrent(event) && this.#catchUp.reached(event)) this.#sayCaughtUp()
      }
      await this.#connection.writable()
    }
  }

  /** None once the socket is gone. */
  async #next(signal: AbortSignal): Promise<readonly ReaderEvent[]> {
    try {
      return await this.#reader.next(signal)
    } catch (error) {
      if (signal.aborted) return []
      throw error
    }
  }

  #records(event: Extract<ReaderEvent, { kind: 'records' }>): void {
    const { topic, partition, records, nextOffset } = event
    const frame = this.#frame
    for (const record of records) {
      frame.add(topic, partition, record)
      if (!frame.full) continue
      this.#handlers.delivered(topic, partition, record.offset, record.offset + 1)
      this.#endFrame()
    }
    this.#handlers.delivered(topic, partition, records.at(-1)?.offset ?? -1, nextOffset)
    this.#handlers.passed(event)
  }

  #endFrame(): void {
    this.#frame.end((frame) => this.#connection.sendRecords(frame))
  }

  #other(event: Exclude<ReaderEvent, { kind: 'records' }>): void {
    switch (event.kind) {
      case 'progress':
        this.#handlers.delivered(event.topic, event.partition, -1, event.nextOffset)
        this.#handlers.passed(event)
        return
      case 'lost':
        this.#handlers.lost(event)
        return
      case 'corrupt':
        this.#connection.sendError(
          new Problem('internal_error', {
            detail: `${event.topic}, partition ${event.partition}: the batch at offset ${event.offset} cannot be read.`,
          }),
        )
    }
  }

  /** Says so where every partition has been read to its end; for when the last that had not is given up, too. */
  tellCaughtUp(): void {
    if (this.#catchUp.isDue()) this.#sayCaughtUp()
  }

  #sayCaughtUp(): void {
    this.#connection.send({ type: 'caughtUp' })
  }
}
