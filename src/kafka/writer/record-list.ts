import type { StampedRecord } from '../wire/record-batch-writer.ts'
import type { RecordResult, WriteRequest } from './write-request.ts'

/** One record waiting for its outcome. */
export interface PendingRecord {
  readonly record: StampedRecord
  /** The most bytes it takes in a batch. */
  readonly size: number
  /** By performance.now(), ms. */
  readonly deadline: number
  readonly request: WriteRequest
  readonly index: number
  /** It has its outcome. */
  settled: boolean
}

export function settle(pending: PendingRecord, result: RecordResult): void {
  if (pending.settled) return
  pending.settled = true
  pending.request.settle(pending.index, result)
}

/** Records sent, or to be sent, as one unit: the same bytes at every try. */
export interface Batch {
  readonly records: readonly PendingRecord[]
  readonly bytes: Buffer
  inFlight: boolean
  /** Some try can have put it in the log. */
  maybeAppended: boolean
  /** Its records have their outcome; a late answer changes nothing. */
  settled: boolean
}

/** Records that wait, in order: added at the end, taken from the front, and put back there. */
export class RecordList {
  #records: PendingRecord[] = []
  #head = 0
  #bytes = 0
  /** No record here has an earlier deadline: most looks at the clock end here. */
  #earliest = Infinity

  get length(): number {
    return this.#records.length - this.#head
  }

  get bytes(): number {
    return this.#bytes
  }

  push(record: PendingRecord): void {
    this.#records.push(record)
    this.#bytes += record.size
    if (record.deadline < this.#earliest) this.#earliest = record.deadline
  }

  /** Takes from the front what fits into `limit` bytes, and one record at least. */
  take(limit: number): PendingRecord[] {
    const start = this.#head
    let end = start
    let bytes = 0
    for (; end < this.#records.length; end++) {
      const { size } = this.#records[end]!
      if (end > start && bytes + size > limit) break
      bytes += size
    }
    const taken = this.#records.slice(start, end)
    this.#bytes -= bytes
    this.#head = end
    if (end === this.#records.length) this.#replace([])
    // What has been taken is let go of now and then, so that a long list is not copied for every batch.
    else if (end > 1_024 && end * 2 > this.#records.length) this.#replace(this.#records.slice(end))
    return taken
  }

  /** Puts records back in front of all others. */
  putBack(records: readonly PendingRecord[]): void {
    for (const { size, deadline } of records) {
      this.#bytes += size
      if (deadline < this.#earliest) this.#earliest = deadline
    }
    this.#replace(records.concat(this.#records.slice(this.#head)))
  }

  /** Takes out what is past its deadline. */
  takeExpired(now: number): PendingRecord[] {
    return now < this.#earliest ? [] : this.#takeOut(({ deadline }) => now >= deadline)
  }

  /** Takes out what belongs to a request. */
  takeOf(request: WriteRequest): PendingRecord[] {
    return this.#takeOut((record) => record.request === request)
  }

  #takeOut(isMeant: (record: PendingRecord) => boolean): PendingRecord[] {
    const taken: PendingRecord[] = []
    const left: PendingRecord[] = []
    this.#earliest = Infinity
    for (let i = this.#head; i < this.#records.length; i++) {
      const record = this.#records[i]!
      if (isMeant(record)) {
        taken.push(record)
        this.#bytes -= record.size
      } else {
        left.push(record)
        if (record.deadline < this.#earliest) this.#earliest = record.deadline
      }
    }
    this.#replace(left)
    return taken
  }

  takeAll(): PendingRecord[] {
    return this.take(Infinity)
  }

  #replace(records: PendingRecord[]): void {
    this.#records = records
    this.#head = 0
    if (records.length === 0) this.#earliest = Infinity
  }
}
