import { CorruptRecordError } from './corrupt-record-error.ts'
import type { FetchedRecord, TimestampType } from '../../records/fetched-record.ts'

export interface RecordRun {
  /** Uncompressed records in [start, end). */
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
  readonly count: number
  readonly baseOffset: number
  readonly baseTimestamp: bigint
  /** The one time of all records where the topic keeps the broker's time. */
  readonly appendTimestamp: bigint | undefined
  readonly from: number
  readonly maxRecords: number
}

/** Where the readers below are. They share it instead of each answering two numbers: this is the hot loop. */
let cursor = 0

/**
 * Adds the records of one batch, from offset `from` on, until `into` holds maxRecords.
 * @throws CorruptRecordError where a record is not what its lengths say
 */
export function readRecords(into: FetchedRecord[], run: RecordRun): void {
  const { bytes, end, baseOffset, from, maxRecords } = run
  const timestampType: TimestampType = run.appendTimestamp === undefined ? 'CreateTime' : 'LogAppendTime'
  const appendTimestamp = run.appendTimestamp === undefined ? undefined : toTimestamp(run.appendTimestamp)
  // NaN, which every sum keeps, where a sum with a delta might not be exact.
  const base =
    run.baseTimestamp >= -HALF_SAFE && run.baseTimestamp < HALF_SAFE ? Number(run.baseTimestamp) : NaN
  cursor = run.start
  for (let n = 0; n < run.count && into.length < maxRecords; n++) {
    const length = readVarint(bytes)
    const recordEnd = cursor + length
    if (length < 1 || recordEnd > end) throw new CorruptRecordError('a record longer than its batch')
    const deltaAt = ++cursor // past the attributes, of which none is in use
    const timestamp = base + readVarlong(bytes)
    const offset = baseOffset + readVarint(bytes)
    if (offset < from) {
      cursor = recordEnd
      continue
    }
    const keyLength = readVarint(bytes)
    const keyStart = keyLength < 0 ? -1 : cursor
    if (keyLength > 0) cursor += keyLength
    const keyEnd = cursor
    const valueLength = readVarint(bytes)
    const valueStart = valueLength < 0 ? -1 : cursor
    if (valueLength > 0) cursor += valueLength
    const valueEnd = cursor
    const headerCount = readVarint(bytes)
    const headersStart = cursor
    if (headerCount !== 0) skipHeaders(bytes, headerCount, recordEnd)
    // One check for all the lengths, since each of them only moved the cursor on.
    if (cursor !== recordEnd) throw new CorruptRecordError('a record that its fields do not fill')
    into.push({
      offset,
      timestamp: appendTimestamp ?? (timestamp === timestamp ? timestamp : addExactly(run, deltaAt)),
      timestampType,
      bytes,
      keyStart,
      keyEnd,
      valueStart,
      valueEnd,
      headersStart,
      headerCount,
    })
  }
  if (into.length < maxRecords && cursor !== end) {
    throw new CorruptRecordError('a record batch that its records do not fill')
  }
}

const HALF_SAFE = 2n ** 52n

/** @throws CorruptRecordError */
function skipHeaders(bytes: Buffer, count: number, end: number): void {
  if (count < 0) throw new CorruptRecordError('a record with a negative number of headers')
  for (let n = 0; n < count && cursor < end; n++) {
    const nameLength = readVarint(bytes)
    if (nameLength < 0) throw new CorruptRecordError('a record header without a name')
    cursor += nameLength
    const valueLength = readVarint(bytes)
    if (valueLength > 0) cursor += valueLength
    // Too few bytes for the headers that are left shows here, as a cursor past the end or as headers not reached.
    if (cursor >= end && n < count - 1)
      throw new CorruptRecordError('a record with fewer headers than it says')
  }
}

/** A zigzag varint of 32 bits. @throws CorruptRecordError */
function readVarint(bytes: Buffer): number {
  let byte = bytes[cursor++]!
  if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1)
  let value = byte & 0x7f
  for (let shift = 7; shift < 35; shift += 7) {
    // Past the end this is undefined, which is never below 0x80: the loop runs out.
    byte = bytes[cursor++]!
    value |= (byte & 0x7f) << shift
    if (byte < 0x80) return (value >>> 1) ^ -(value & 1)
  }
  throw new CorruptRecordError('a varint of more than five bytes')
}

/** A zigzag varint of 64 bits; NaN for one of more than 49, which a sum might not hold exactly. @throws CorruptRecordError */
function readVarlong(bytes: Buffer): number {
  let byte = bytes[cursor++]!
  if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1)
  let value = byte & 0x7f
  for (let scale = 0x80, n = 1; n < 10; n++, scale *= 0x80) {
    byte = bytes[cursor++]!
    value += (byte & 0x7f) * scale
    if (byte < 0x80) return n > 6 ? NaN : value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }
  throw new CorruptRecordError('a varint of more than ten bytes')
}

/** The timestamp whose delta stands at `at`, by the long way. */
function addExactly(run: RecordRun, at: number): number | bigint {
  let value = 0n
  for (let shift = 0n; ; shift += 7n) {
    const byte = run.bytes[at++]!
    value |= BigInt(byte & 0x7f) << shift
    if (byte < 0x80) break
  }
  const delta = BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n))
  return toTimestamp(BigInt.asIntN(64, run.baseTimestamp + delta))
}

function toTimestamp(value: bigint): number | bigint {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}
