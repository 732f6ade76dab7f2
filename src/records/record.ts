/** A header of a record. Names repeat, order counts, and a value is bytes, or null where there is none. */
export interface RecordHeader {
  readonly name: Buffer
  readonly value: Buffer | null
}

/** A record to be written. Null and empty differ: a null value is a tombstone. */
export interface OutgoingRecord {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly RecordHeader[]
  /** Milliseconds since the epoch; now, where not given. */
  readonly timestamp?: number | undefined
  /** By the key where not given, by Java's rule; spread by batch where there is no key either. */
  readonly partition?: number | undefined
}
