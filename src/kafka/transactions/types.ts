import type { OutgoingRecord } from '../../records/record.ts'

/** A record and the topic it goes to. */
export interface TransactionRecord {
  readonly topic: string
  readonly record: OutgoingRecord
}

/** Where a group resumes a partition: the offset of the next record to read. */
export interface ResumeOffset {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly metadata: string
}

/** What a transaction does, all of it or nothing. */
export interface TransactionRequest {
  readonly records: readonly TransactionRecord[]
  /** Committed to a group together with the records, as from outside its membership (KIP-447 without a generation). */
  readonly offsets?: { readonly group: string; readonly offsets: readonly ResumeOffset[] } | undefined
}

/** Where a record of a committed transaction is. */
export interface WrittenRecord {
  readonly topic: string
  readonly partition: number
  /** Null where the broker confirmed the record without saying where it is. */
  readonly offset: number | null
  /** Milliseconds since the epoch, as stored. */
  readonly timestamp: number
}

/** `notCommitted` is of a client's id: no request with it has been committed so far. */
export type TransactionState = 'committed' | 'aborted' | 'ongoing' | 'notCommitted'
