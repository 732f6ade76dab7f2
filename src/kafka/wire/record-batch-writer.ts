import { crc32c } from '@platformatic/kafka'
import type { OutgoingRecord } from '../../records/record.ts'
import { type Codec, codecBits, compress } from './compress.ts'

/** Who writes a batch and which of its sequence numbers the first record has (KIP-98). */
export interface BatchIdentity {
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly baseSequence: number
  /** Part of a transaction: read_committed readers see it once that has been committed. */
  readonly transactional?: boolean
}

/** A record whose timestamp is decided. */
export type StampedRecord = OutgoingRecord & { readonly timestamp: number }

const HEADER_BYTES = 61
const CRC_FROM = 21
const TRANSACTIONAL = 1 << 4

/**
 * Encodes records as one record batch, magic 2 (Kafka's `DefaultRecordBatch`), in one allocation.
 * A retry must send these same bytes: the broker knows a batch again by its producer, epoch and sequence.
 */
export function encodeRecordBatch(
  records: readonly StampedRecord[],
  identity: BatchIdentity,
  codec: Codec = 'none',
): Buffer {
  const baseTimestamp = records[0]!.timestamp
  let maxTimestamp = baseTimestamp
  let size = HEADER_BYTES
  const bodySizes = new Array<number>(records.length)
  for (let i = 0; i < records.length; i++) {
    const record = records[i]!
    if (record.timestamp > maxTimestamp) maxTimestamp = record.timestamp
    const body = bodySize(record, i, record.timestamp - baseTimestamp)
    bodySizes[i] = body
    size += varintSize(body) + body
  }
  const out = Buffer.allocUnsafe(size)
  out.writeBigInt64BE(0n, 0) // base offset: the broker's to give
  out.writeInt32BE(size - 12, 8)
  out.writeInt32BE(-1, 12) // partition leader epoch: the broker's to give
  out[16] = 2
  out.writeInt16BE(identity.transactional === true ? TRANSACTIONAL : 0, 21)
  out.writeInt32BE(records.length - 1, 23)
  out.writeBigInt64BE(BigInt(baseTimestamp), 27)
  out.writeBigInt64BE(BigInt(maxTimestamp), 35)
  out.writeBigInt64BE(identity.producerId, 43)
  out.writeInt16BE(identity.producerEpoch, 51)
  out.writeInt32BE(identity.baseSequence, 53)
  out.writeInt32BE(records.length, 57)
  let at = HEADER_BYTES
  for (let i = 0; i < records.length; i++) {
    const record = records[i]!
    at = writeVarint(out, at, bodySizes[i]!)
    out[at++] = 0
    at = writeVarint(out, at, record.timestamp - baseTimestamp)
    at = writeVarint(out, at, i)
    at = writeBytes(out, at, record.key)
    at = writeBytes(out, at, record.value)
    at = writeVarint(out, at, record.headers.length)
    for (const header of record.headers) {
      at = writeBytes(out, at, header.name)
      at = writeBytes(out, at, header.value)
    }
  }
  const batch = codec === 'none' ? out : compressed(out, codec)
  batch.writeUInt32BE(crc32c(batch.subarray(CRC_FROM)), 17)
  return batch
}

/** The batch with its records compressed, or as it is where that would make it no smaller. */
function compressed(batch: Buffer, codec: Codec): Buffer {
  const records = compress(codec, batch.subarray(HEADER_BYTES))
  const size = HEADER_BYTES + records.length
  if (size >= batch.length) return batch
  const out = Buffer.concat([batch.subarray(0, HEADER_BYTES), records], size)
  out.writeInt32BE(size - 12, 8)
  out.writeInt16BE(batch.readInt16BE(21) | codecBits[codec], 21)
  return out
}

/** The most bytes a record can take in a batch, whatever its place there. */
export function recordSizeBound(record: OutgoingRecord): number {
  let size = 30 + (record.key?.length ?? 0) + (record.value?.length ?? 0)
  for (const header of record.headers) size += 10 + header.name.length + (header.value?.length ?? 0)
  return size
}

function bodySize(record: OutgoingRecord, offsetDelta: number, timestampDelta: number): number {
  let size = 1 + varintSize(timestampDelta) + varintSize(offsetDelta)
  size += bytesSize(record.key) + bytesSize(record.value) + varintSize(record.headers.length)
  for (const header of record.headers) size += bytesSize(header.name) + bytesSize(header.value)
  return size
}

function bytesSize(bytes: Buffer | null): number {
  return bytes === null ? 1 : varintSize(bytes.length) + bytes.length
}

/** Past this, either way, shifts no longer do: timestamp deltas reach 2^53. */
const SMALL = 0x4000_0000

/** Bytes of a zigzag varint. */
function varintSize(value: number): number {
  if (value < -SMALL || value >= SMALL) {
    let size = 2
    for (let rest = Math.floor(magnitude(value) / 64); rest >= 128; rest = Math.floor(rest / 128)) size++
    return size
  }
  let size = 1
  for (let rest = (value << 1) ^ (value >> 31); rest > 127; rest >>>= 7) size++
  return size
}

function writeVarint(out: Buffer, at: number, value: number): number {
  if (value < -SMALL || value >= SMALL) return writeWideVarint(out, at, value)
  let rest = (value << 1) ^ (value >> 31)
  for (; rest > 127; rest >>>= 7) out[at++] = (rest & 127) | 128
  out[at++] = rest
  return at
}

/** The same by division, exact for every safe integer: doubling one past 2^52 would round it. */
function writeWideVarint(out: Buffer, at: number, value: number): number {
  const wide = magnitude(value)
  out[at++] = 128 | ((wide % 64) * 2) | (value < 0 ? 1 : 0)
  let rest = Math.floor(wide / 64)
  for (; rest >= 128; rest = Math.floor(rest / 128)) out[at++] = (rest % 128) | 128
  out[at++] = rest
  return at
}

/** What zigzag coding doubles: its lowest bit is the sign. */
function magnitude(value: number): number {
  return value < 0 ? -value - 1 : value
}

function writeBytes(out: Buffer, at: number, bytes: Buffer | null): number {
  if (bytes === null) return writeVarint(out, at, -1)
  at = writeVarint(out, at, bytes.length)
  out.set(bytes, at)
  return at + bytes.length
}
