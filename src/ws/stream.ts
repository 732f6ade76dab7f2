import type { Limits } from '../config.ts'
import type { Cluster } from '../kafka/cluster.ts'
import { keyOf } from '../kafka/group/types.ts'
import { type ReaderEvent, RecordReader } from '../kafka/record-reader.ts'
import { Problem } from '../problem.ts'
import type { WsConnection } from './connection.ts'
import { RecordsFrame } from './records-frame.ts'
import type { SubscriptionOptions } from './subscription-options.ts'

const MAX_FETCH_BYTES = 1_048_576

export interface StreamHandlers {
  /** Sent up to `position`; `lastRecord` is the last record's offset, -1 where only markers or gaps were passed. */
  delivered(topic: string, partition: number, lastRecord: number, position: number): void
  /** Everything of one turn has been sent. */
  flushed(): void
  /** A position that no longer exists; reading of the partition has stopped. */
  lost(event: Extract<ReaderEvent, { kind: 'lost' }>): void
  /** The cursor to put in a records frame, where the subscription has one. */
  cursor?(): string
}

/**
 * Moves records from a reader to a socket: one turn of events, rendered into few frames, and the next only when the
 * socket has taken enough of them. That wait is the whole flow control: a reader that nobody empties stops fetching.
 */
export class Stream {
  readonly #connection: WsConnection
  readonly #reader: RecordReader
  readonly #frame: RecordsFrame
  readonly #handlers: StreamHandlers
  /** Partitions not yet read, since they were assigned, to the end they had when the first answer came; with that end. */
  readonly #behind = new Map<string, number>()
  readonly #assigned = new Set<string>()
  /** Whether `caughtUp` is to be sent once nothing is behind. */
  #owesCaughtUp = false
  #stopped = false

  constructor(
    connection: WsConnection,
    reader: RecordReader,
    options: Pick<SubscriptionOptions, 'format'>,
    handlers: StreamHandlers,
  ) {
    this.#connection = connection
    this.#reader = reader
    this.#frame = new RecordsFrame(options.format, handlers.cursor)
    this.#handlers = handlers
  }

  assign(partitions: readonly { topic: string; topicId: string; partition: number; offset: number }[]): void {
    for (const partition of partitions) {
      this.#assigned.add(keyOf(partition))
      this.#behind.set(keyOf(partition), Infinity)
    }
    this.#owesCaughtUp = true
    this.#reader.assign(partitions)
  }

  unassign(partitions: readonly { topic: string; partition: number }[]): void {
    this.#reader.unassign(partitions)
    for (const partition of partitions) {
      this.#assigned.delete(keyOf(partition))
      this.#behind.delete(keyOf(partition))
    }
  }

  /** Reads no more; run() returns. */
  stop(): void {
    this.#stopped = true
    this.#reader.close()
  }

  /** Runs until stop(), or until the socket is gone. */
  async run(): Promise<void> {
    const { signal } = this.#connection
    while (!signal.aborted) {
      const events = await this.#next(signal)
      if (this.#stopped) return
      // Nothing is waited for in here: a partition given up meanwhile must not be sent on.
      for (const event of events) {
        // Given up between being taken and now.
        if (!this.#assigned.has(keyOf(event))) continue
        if (event.kind === 'records') this.#records(event)
        else {
          this.#endFrame()
          this.#other(event)
        }
      }
      this.#endFrame()
      this.#handlers.flushed()
      for (const event of events) this.#progress(event)
      await this.#connection.writable()
    }
  }

  /** None once the socket is gone. */
  async #next(signal: AbortSignal): Promise<ReaderEvent[]> {
    try {
      return await this.#reader.next(signal)
    } catch (error) {
      if (signal.aborted) return []
      throw error
    }
  }

  #records({ topic, partition, records, nextOffset }: Extract<ReaderEvent, { kind: 'records' }>): void {
    const frame = this.#frame
    for (const record of records) {
      frame.add(topic, partition, record)
      if (!frame.full) continue
      this.#handlers.delivered(topic, partition, record.offset, record.offset + 1)
      this.#endFrame()
    }
    this.#handlers.delivered(topic, partition, records.at(-1)?.offset ?? -1, nextOffset)
  }

  #endFrame(): void {
    this.#frame.end((frame) => this.#connection.sendText(frame))
  }

  #other(event: Exclude<ReaderEvent, { kind: 'records' }>): void {
    switch (event.kind) {
      case 'progress':
        this.#handlers.delivered(event.topic, event.partition, -1, event.nextOffset)
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

  #progress(event: ReaderEvent): void {
    if (event.kind !== 'records' && event.kind !== 'progress') return
    const key = keyOf(event)
    const target = this.#behind.get(key)
    if (target === undefined) return
    // The end moves on while others produce: caught up is who has what there was at the start.
    const end = Math.min(target, event.end)
    if (event.nextOffset < end) this.#behind.set(key, end)
    else this.#behind.delete(key)
    this.tellCaughtUp()
  }

  /** Says so where every partition has been read to its end; for when the last that had not is given up, too. */
  tellCaughtUp(): void {
    if (!this.#owesCaughtUp || this.#behind.size > 0) return
    this.#owesCaughtUp = false
    this.#connection.send({ type: 'caughtUp' })
  }
}

/**
 * The reader of one socket. What it holds adds to what the socket has not taken, so it reads ahead little: a fetch answer,
 * and the next while that is sent.
 */
export function socketReader(
  cluster: Cluster,
  { isolation }: Pick<SubscriptionOptions, 'isolation'>,
  { wsBufferBytes }: Limits,
): RecordReader {
  const maxBytes = Math.min(MAX_FETCH_BYTES, wsBufferBytes)
  return new RecordReader(cluster, { isolation, maxBytes, bufferBytes: wsBufferBytes / 4 })
}
