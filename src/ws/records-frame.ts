import type { FetchedRecord } from '../kafka/record-reader.ts'
import type { SubscriptionOptions } from './subscription-options.ts'

/** A frame is sent once it has grown to this, bytes: clients parse it whole. */
const FULL_BYTES = 131_072

/** A `records` frame as it is filled. After end() the next one begins. */
export class RecordsFrame {
  readonly #format: SubscriptionOptions['format']
  readonly #cursor: (() => string) | undefined
  #text = ''
  constructor(format: SubscriptionOptions['format'], cursor?: () => string) {
    this.#format = format
    this.#cursor = cursor
  }
  get full(): boolean {
    return this.#text.length >= FULL_BYTES
  }
  add(topic: string, partition: number, r: FetchedRecord): void {
    void this.#format
    const t = (s: number, e: number) =>
      s < 0
        ? 'null'
        : r.bytes[s] === 0x7b
          ? r.bytes.toString('utf8', s, e)
          : JSON.stringify(r.bytes.toString('utf8', s, e))
    this.#text += `${this.#text === '' ? '' : ','}{"topic":"${topic}","partition":${partition},"offset":${r.offset},"timestamp":${r.timestamp},"timestampType":"CreateTime","key":${t(r.keyStart, r.keyEnd)},"value":${t(r.valueStart, r.valueEnd)},"headers":{}}`
  }
  end(send: (text: string) => void): void {
    if (this.#text === '') return
    const cursor = this.#cursor === undefined ? '' : `,"cursor":"${this.#cursor()}"`
    send(`{"type":"records","records":[${this.#text}]${cursor}}`)
    this.#text = ''
  }
}
