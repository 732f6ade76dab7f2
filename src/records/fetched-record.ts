/**
 * A record as fetched: a view of the memory of its batch. Nothing is copied, so a record that is kept keeps all of that
 * memory: copy what must outlive the batch.
 */
export interface FetchedRecord {
  readonly offset: number
  /** Milliseconds since the epoch, or -1 for none; a bigint where a number can't hold it exactly. */
  readonly timestamp: number | bigint
  /** As the topic config message.timestamp.type spells it: the producer's time or the broker's. */
  readonly timestampType: TimestampType
  /** What the positions below point into. */
  readonly bytes: Buffer
  /** -1 where the key is null; equal to keyEnd where it is empty. */
  readonly keyStart: number
  readonly keyEnd: number
  /** -1 where the value is null, a tombstone; equal to valueEnd where it is empty. */
  readonly valueStart: number
  readonly valueEnd: number
  /** Where the headers start as the wire has them; readHeaders() takes them apart. */
  readonly headersStart: number
  readonly headerCount: number
}

export type TimestampType = 'CreateTime' | 'LogAppendTime'

/** A header as positions in the record's bytes. */
export interface HeaderView {
  readonly nameStart: number
  readonly nameEnd: number
  /** -1 where the value is null. */
  readonly valueStart: number
  readonly valueEnd: number
}

/** The key's bytes, a view; null where there is none. */
export function keyOf(record: FetchedRecord): Buffer | null {
  return record.keyStart < 0 ? null : record.bytes.subarray(record.keyStart, record.keyEnd)
}

/** The value's bytes, a view; null for a tombstone. */
export function valueOf(record: FetchedRecord): Buffer | null {
  return record.valueStart < 0 ? null : record.bytes.subarray(record.valueStart, record.valueEnd)
}

/** A record's headers in order. */
export function readHeaders(record: FetchedRecord): HeaderView[] {
  const headers: HeaderView[] = []
  someHeader(record, (nameStart, nameEnd, valueStart, valueEnd) => {
    headers.push({ nameStart, nameEnd, valueStart, valueEnd })
    return false
  })
  return headers
}

/**
 * Whether a test holds for one of a record's headers, given as a HeaderView's positions. The decoder has checked that
 * they lie within the record.
 */
export function someHeader(
  { bytes, headersStart, headerCount }: FetchedRecord,
  test: (nameStart: number, nameEnd: number, valueStart: number, valueEnd: number) => boolean,
): boolean {
  let at = headersStart
  const length = () => {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]!
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1)
    }
  }
  for (let n = 0; n < headerCount; n++) {
    const nameLength = length()
    const nameStart = at
    at += nameLength
    const valueLength = length()
    const valueStart = valueLength < 0 ? -1 : at
    if (valueLength > 0) at += valueLength
    if (test(nameStart, nameStart + nameLength, valueStart, at)) return true
  }
  return false
}
