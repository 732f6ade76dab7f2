import { crc32c } from '@platformatic/kafka'
import { AbortedFilter } from './aborted-filter.ts'
import { readInt64, UnsafeIntegerError } from './byte-cursor.ts'
import { decompress } from './decompress.ts'
import type { AbortedTransaction } from './fetch.ts'
import type { FetchedRecord } from '../../records/fetched-record.ts'
import { CorruptRecordError } from './corrupt-record-error.ts'
import { readRecords } from './records-reader.ts'

export interface DecodeOptions {
  /** Records below this offset are passed over: a batch comes whole though it was asked for from its middle. */
  readonly from: number
  /** Of the fetch answer, under read_committed: their records are passed over. */
  readonly aborted?: readonly AbortedTransaction[] | null
  /** Stop after so many records. */
  readonly maxRecords?: number
  /** Stop after the batch with which the records hold so much memory: compressed batches unfold. */
  readonly maxMemory?: number
}

export interface Decoded {
  readonly records: FetchedRecord[]
  /** Where to go on reading: past the last whole batch, also where it held no record to show. At least `from`. */
  readonly nextOffset: number
  /** Bytes of memory the records keep alive. */
  readonly memory: number
  /** The batch at nextOffset can't be read. Records before it are good. */
  readonly fault?: string
}

// The record batch, magic 2 (KIP-98): positions of its fields.
const LENGTH = 8
const MAGIC = 16
const CRC = 17
const ATTRIBUTES = 21
const LAST_OFFSET_DELTA = 23
const BASE_TIMESTAMP = 27
const MAX_TIMESTAMP = 35
const PRODUCER_ID = 43
const RECORD_COUNT = 57
const RECORDS = 61
/** Base offset and length, which the length doesn't count. */
const LOG_OVERHEAD = 12

const CODEC_MASK = 0b111
const LOG_APPEND_TIME = 1 << 3
const TRANSACTIONAL = 1 << 4
const CONTROL = 1 << 5

/**
 * Takes the record batches of a fetch answer apart. Control batches are passed over, a last batch cut short is ignored.
 * Each batch's CRC is checked: 2.7 GB/s, so a third of a millisecond for each megabyte, and the decompressors, which
 * trust their input, never see damaged bytes. Never throws for what `bytes` holds.
 */
export function readRecordBatches(bytes: Buffer, options: DecodeOptions): Decoded {
  const { from, maxRecords = Infinity, maxMemory = Infinity } = options
  const filter = options.aborted?.length ? new AbortedFilter(options.aborted) : undefined
  const records: FetchedRecord[] = []
  let nextOffset = from
  let memory = 0
  try {
    for (let at = 0; at + LOG_OVERHEAD <= bytes.length;) {
      const end = at + LOG_OVERHEAD + bytes.readInt32BE(at + LENGTH)
      if (end > bytes.length) break
      checkBatch(bytes, at, end)
      const baseOffset = readInt64(bytes, at)
      const lastOffset = baseOffset + bytes.readInt32BE(at + LAST_OFFSET_DELTA)
      if (lastOffset >= Number.MAX_SAFE_INTEGER) throw new UnsafeIntegerError(BigInt(lastOffset))
      const attributes = bytes.readInt16BE(at + ATTRIBUTES)
      const isControl = (attributes & CONTROL) !== 0
      const aborted = filter?.isAborted(
        bytes.readBigInt64BE(at + PRODUCER_ID),
        lastOffset,
        (attributes & TRANSACTIONAL) !== 0,
        isControl,
        bytes.subarray(at + RECORDS, end),
      )
      if (lastOffset >= from && !isControl && !aborted) {
        const codec = attributes & CODEC_MASK
        const source = codec === 0 ? bytes : decompress(codec, bytes.subarray(at + RECORDS, end))
        const before = records.length
        readRecords(records, {
          bytes: source,
          start: codec === 0 ? at + RECORDS : 0,
          end: codec === 0 ? end : source.length,
          count: bytes.readInt32BE(at + RECORD_COUNT),
          baseOffset,
          baseTimestamp: bytes.readBigInt64BE(at + BASE_TIMESTAMP),
          appendTimestamp:
            (attributes & LOG_APPEND_TIME) === 0 ? undefined : bytes.readBigInt64BE(at + MAX_TIMESTAMP),
          from,
          maxRecords,
        })
        if (records.length > before) memory += codec === 0 ? end - at : source.length
        if (records.length >= maxRecords) {
          return { records, nextOffset: records.at(-1)!.offset + 1, memory }
        }
      }
      nextOffset = Math.max(nextOffset, lastOffset + 1)
      if (memory >= maxMemory) break
      at = end
    }
  } catch (error) {
    if (!(error instanceof CorruptRecordError || error instanceof UnsafeIntegerError)) throw error
    return { records: records.filter((r) => r.offset < nextOffset), nextOffset, memory, fault: error.message }
  }
  return { records, nextOffset, memory }
}

/** @throws CorruptRecordError for a batch whose records can't be trusted */
function checkBatch(bytes: Buffer, at: number, end: number): void {
  if (end - at <= MAGIC) throw new CorruptRecordError('a record batch shorter than its header')
  const magic = bytes.readInt8(at + MAGIC)
  if (magic !== 2) {
    throw new CorruptRecordError(
      `a record batch of format ${magic}; only format 2 (Kafka 0.11 and newer) is read`,
    )
  }
  if (end - at < RECORDS) throw new CorruptRecordError('a record batch shorter than its header')
  if (crc32c(bytes.subarray(at + ATTRIBUTES, end)) !== bytes.readUInt32BE(at + CRC)) {
    throw new CorruptRecordError('a record batch whose checksum does not match')
  }
}
