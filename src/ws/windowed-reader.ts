import type { FetchedRecord } from '../records/fetched-record.ts'
import type { PartitionPosition, ReaderEvent } from '../kafka/record-reader.ts'
import type { Problem } from '../problems/problem.ts'
import type { EventReader } from '../streams/event-reader.ts'
import type { Window } from './window.ts'
import { keyOf, type TopicPartition } from '../kafka/topic-partition.ts'

type Records = Extract<ReaderEvent, { kind: 'records' }>

/** A record given out, with the bytes of its JSON where they count. */
interface Offer {
  readonly offset: number
  readonly bytes: number
}

/**
 * A reader that gives out no more records than there is room for in a window, and keeps the rest of what it has read for
 * when there is. What was given out counts once moveTo() says that it was sent.
 */
export class WindowedReader implements EventReader {
  readonly #reader: EventReader
  readonly #window: Window
  /** Bytes of JSON that a record is. */
  readonly #measure: (topic: string, partition: number, record: FetchedRecord) => number
  /** Read and not given out. */
  #held: readonly ReaderEvent[] = []
  /** How many records of the first held event were given out. */
  #given = 0
  /** What the last next() gave out and was not sent yet, by partition. */
  readonly #offers = new Map<string, Offer[]>()
  #wake: () => void = () => {}
  #closed = false

  constructor(
    reader: EventReader,
    window: Window,
    measure: (topic: string, partition: number, record: FetchedRecord) => number,
  ) {
    this.#reader = reader
    this.#window = window
    this.#measure = window.countsBytes ? measure : () => 0
    window.onOpen = () => this.#wake()
  }

  get trouble(): Problem | undefined {
    return this.#reader.trouble
  }

  assign(positions: readonly PartitionPosition[]): void {
    this.#reader.assign(positions)
    this.#window.ended(positions)
  }

  unassign(partitions: readonly TopicPartition[]): void {
    this.#reader.unassign(partitions)
    this.#window.ended(partitions)
  }

  isCurrent(partition: TopicPartition): boolean {
    return this.#reader.isCurrent(partition)
  }

  close(): void {
    this.#closed = true
    this.#reader.close()
    this.#wake()
  }

  /** @throws as RecordReader.next */
  async next(signal?: AbortSignal): Promise<readonly ReaderEvent[]> {
    this.#offers.clear()
    while (!this.#closed) {
      if (this.#held.length === 0) this.#held = await this.#reader.next(signal)
      const events = this.#offer()
      if (events.length > 0) return events
      if (this.#held.length > 0) await this.#room(signal)
    }
    return []
  }

  /** Everything of a partition up to `offset` has been sent. */
  moveTo(partition: TopicPartition, offset: number): void {
    const offers = this.#offers.get(keyOf(partition))
    if (offers === undefined) return
    const after = offers.findIndex((offer) => offer.offset >= offset)
    for (const sent of offers.splice(0, after < 0 ? offers.length : after)) {
      this.#window.sent(partition, sent.offset, sent.bytes)
    }
  }

  /** What of the held events there is room for, in their order; what is not current any more is dropped. */
  #offer(): ReaderEvent[] {
    const room = { ...this.#window.room }
    const events: ReaderEvent[] = []
    let passed = 0
    for (; passed < this.#held.length; passed++) {
      const event = this.#held[passed]!
      if (!this.#reader.isCurrent(event)) this.#given = 0
      else if (event.kind !== 'records') events.push(event)
      else {
        const part = this.#part(event, room)
        if (part !== undefined) events.push(part)
        if (this.#given > 0 || part === undefined) break
      }
    }
    this.#held = this.#held.slice(passed)
    return events
  }

  /** The next records of an event that there is room for, if any. */
  #part(event: Records, room: { records: number; bytes: number }): Records | undefined {
    const { topic, partition, records } = event
    const from = this.#given
    let n = from
    const offers: Offer[] = []
    for (; n < records.length && room.records > 0 && room.bytes > 0; n++) {
      const record = records[n]!
      const bytes = this.#measure(topic, partition, record)
      room.records--
      room.bytes -= bytes
      offers.push({ offset: record.offset, bytes })
    }
    if (n === from) return undefined
    const before = this.#offers.get(keyOf(event))
    this.#offers.set(keyOf(event), before === undefined ? offers : [...before, ...offers])
    this.#given = n < records.length ? n : 0
    if (n === records.length) return from === 0 ? event : { ...event, records: records.slice(from) }
    return { ...event, records: records.slice(from, n), nextOffset: records[n - 1]!.offset + 1 }
  }

  /** @throws the signal's reason */
  async #room(signal?: AbortSignal): Promise<void> {
    const wake = () => this.#wake()
    signal?.addEventListener('abort', wake, { once: true })
    try {
      while (!this.#window.isOpen && !this.#closed && signal?.aborted !== true) {
        await new Promise<void>((resolve) => (this.#wake = resolve))
      }
      signal?.throwIfAborted()
    } finally {
      signal?.removeEventListener('abort', wake)
    }
  }
}
