import { Problem } from '../problems/problem.ts'
import type { PartitionOffset } from './delivery-tracker.ts'
import { keyOf, type TopicPartition } from '../kafka/topic-partition.ts'

/** Most records and bytes that a client may have credited and not been sent: what a 32-bit integer holds. */
export const MAX_CREDIT = 2 ** 31 - 1

/** How much may be sent now, where a subscription bounds it. */
export interface Window {
  /** Whether one more record may be sent, whatever its size: none is too large to ever be sent. */
  readonly isOpen: boolean
  /** What may be sent; of bytes the last record may use more than there is. One of the two is 0 or less where it is closed. */
  readonly room: { readonly records: number; readonly bytes: number }
  readonly countsBytes: boolean
  /** Called whenever it has opened. */
  onOpen: () => void
  /** Takes note of a record that was sent, with the bytes of its JSON where it counts them. */
  sent(partition: TopicPartition, offset: number, bytes: number): void
  /** The client has everything below these offsets. */
  received(offsets: readonly PartitionOffset[]): void
  /** The partitions were given up or begin anew: nothing more will be heard of what was sent of them. */
  ended(partitions: readonly TopicPartition[]): void
  /** @throws Problem invalid_request where credit means nothing, or would be more than MAX_CREDIT */
  credit(records: number, bytes: number | undefined): void
}

/** Records of one partition that are on their way, oldest first: for each its offset and its bytes. */
interface OnTheirWay {
  readonly sent: number[]
  /** Where in `sent` the oldest is. */
  head: number
}

/** A bound of what is sent and not known to have been received. */
export class InFlightWindow implements Window {
  readonly #maxRecords: number
  readonly #maxBytes: number
  readonly #partitions = new Map<string, OnTheirWay>()
  #records = 0
  #bytes = 0
  onOpen = () => {}

  constructor(maxRecords: number, maxBytes = Infinity) {
    this.#maxRecords = maxRecords
    this.#maxBytes = maxBytes
  }

  get room(): { records: number; bytes: number } {
    return { records: this.#maxRecords - this.#records, bytes: this.#maxBytes - this.#bytes }
  }

  get countsBytes(): boolean {
    return this.#maxBytes !== Infinity
  }

  get isOpen(): boolean {
    return this.#records < this.#maxRecords && this.#bytes < this.#maxBytes
  }

  sent(partition: TopicPartition, offset: number, bytes: number): void {
    const key = keyOf(partition)
    let onTheirWay = this.#partitions.get(key)
    if (onTheirWay === undefined) this.#partitions.set(key, (onTheirWay = { sent: [], head: 0 }))
    onTheirWay.sent.push(offset, bytes)
    this.#records++
    this.#bytes += bytes
  }

  received(offsets: readonly PartitionOffset[]): void {
    for (const partition of offsets) this.#release(keyOf(partition), partition.offset)
    if (this.isOpen) this.onOpen()
  }

  ended(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) {
      this.#release(keyOf(partition), Infinity)
      this.#partitions.delete(keyOf(partition))
    }
    if (this.isOpen) this.onOpen()
  }

  #release(key: string, below: number): void {
    const onTheirWay = this.#partitions.get(key)
    if (onTheirWay === undefined) return
    const { sent } = onTheirWay
    while (onTheirWay.head < sent.length && sent[onTheirWay.head]! < below) {
      this.#records--
      this.#bytes -= sent[onTheirWay.head + 1]!
      onTheirWay.head += 2
    }
    // Not each time: moving the rest costs as much as there is of it.
    if (onTheirWay.head * 2 <= sent.length) return
    sent.splice(0, onTheirWay.head)
    onTheirWay.head = 0
  }

  credit(): void {
    throw noCredit()
  }
}

/** What the client has credited, and nothing else. */
export class CreditWindow implements Window {
  #records = 0
  /** Without a bound until bytes are credited for the first time. */
  #bytes = Infinity
  onOpen = () => {}

  /** Bytes may be credited at any time. */
  readonly countsBytes = true

  get room(): { records: number; bytes: number } {
    return { records: this.#records, bytes: this.#bytes }
  }

  get isOpen(): boolean {
    return this.#records > 0 && this.#bytes > 0
  }

  sent(_partition: TopicPartition, _offset: number, bytes: number): void {
    this.#records--
    // What a large record uses beyond the credit is not owed: a client that gives as much each time is never left waiting.
    this.#bytes = Math.max(0, this.#bytes - bytes)
  }

  received(): void {}

  ended(): void {}

  credit(records: number, bytes: number | undefined): void {
    const allRecords = this.#records + records
    const allBytes = bytes === undefined ? undefined : (this.#bytes === Infinity ? 0 : this.#bytes) + bytes
    if (allRecords > MAX_CREDIT) throw refusal('/records', `more than ${MAX_CREDIT} together`)
    if (allBytes !== undefined && allBytes > MAX_CREDIT)
      throw refusal('/bytes', `more than ${MAX_CREDIT} together`)
    this.#records = allRecords
    if (allBytes !== undefined) this.#bytes = allBytes
    if (this.isOpen) this.onOpen()
  }
}

export function noCredit(): Problem {
  return refusal('/type', 'only where the subscription has window=0')
}

function refusal(pointer: string, reason: string): Problem {
  return new Problem('invalid_request', {
    detail: `${pointer}: ${reason}.`,
    errors: [{ pointer, reason }],
  })
}

/** The window that a subscription asks for, where it does. */
export function windowOf(options: {
  readonly window?: number | undefined
  readonly windowBytes?: number | undefined
}): Window | undefined {
  const { window, windowBytes } = options
  if (window === 0) return new CreditWindow()
  if (window === undefined && windowBytes === undefined) return undefined
  return new InFlightWindow(window ?? MAX_WINDOW, windowBytes)
}

/** Most bytes of a window. */
export const MAX_WINDOW_BYTES = 2 ** 30

/** Most records of a window; also where only bytes are given, since each record on its way is kept account of. */
export const MAX_WINDOW = 100_000
