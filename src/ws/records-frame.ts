import type { FetchedRecord } from '../kafka/record-reader.ts'
import { ByteWriter } from '../records/byte-writer.ts'
import { type RecordPrefix, recordPrefix, renderRecord } from '../records/render-record.ts'
import type { SubscriptionOptions } from './subscription-options.ts'

/** A frame is sent once it has grown to this, bytes: clients parse a frame whole, and so late. */
const FULL_BYTES = 131_072
const START_BYTES = 16_384

const opening = Buffer.from('{"type":"records","records":[')

/** A `records` frame being filled; after end() the next one begins. One per socket: it keeps its buffer. */
export class RecordsFrame {
  readonly #format: SubscriptionOptions['format']
  readonly #cursor: (() => string) | undefined
  readonly #out = new ByteWriter(START_BYTES)
  /** By topic, then partition. */
  readonly #prefixes = new Map<string, RecordPrefix[]>()

  /** `cursor` gives the position after the records added so far, for the subscriptions that have one. */
  constructor(format: SubscriptionOptions['format'], cursor?: () => string) {
    this.#format = format
    this.#cursor = cursor
  }

  get full(): boolean {
    return this.#out.length >= FULL_BYTES
  }

  add(topic: string, partition: number, record: FetchedRecord): void {
    const out = this.#out
    if (out.length === 0) out.copy(opening)
    else out.byte(0x2c)
    renderRecord(out, this.#prefix(topic, partition), record, this.#format)
  }

  /** How many bytes of JSON a record is; it is not added. */
  measure(topic: string, partition: number, record: FetchedRecord): number {
    const { length } = this.#out
    renderRecord(this.#out, this.#prefix(topic, partition), record, this.#format)
    const bytes = this.#out.length - length
    this.#out.truncate(length)
    return bytes
  }

  #prefix(topic: string, partition: number): RecordPrefix {
    let prefixes = this.#prefixes.get(topic)
    if (prefixes === undefined) this.#prefixes.set(topic, (prefixes = []))
    return (prefixes[partition] ??= recordPrefix(topic, partition))
  }

  /** Sends what the frame holds, if anything. */
  end(send: (frame: Buffer) => void): void {
    const out = this.#out
    if (out.length === 0) return
    out.ascii(this.#cursor === undefined ? ']}' : `],"cursor":"${this.#cursor()}"}`)
    send(out.takeOften())
  }
}
