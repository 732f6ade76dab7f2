import { readInt64 } from './byte-cursor.ts'

/** Whose a record batch is and which sequence numbers it has (magic 2, KIP-98). -1 in all three for no producer. */
export interface BatchHeader {
  readonly baseOffset: number
  readonly lastOffset: number
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly baseSequence: number
}

const LENGTH = 8
const MAGIC = 16
const LAST_OFFSET_DELTA = 23
const PRODUCER_ID = 43
const PRODUCER_EPOCH = 51
const BASE_SEQUENCE = 53
const HEADER_BYTES = 61
/** Base offset and length, which the length doesn't count. */
const LOG_OVERHEAD = 12

/**
 * The headers of the record batches in a fetch answer, those of older formats left out. A last batch that was cut short
 * counts where its header is whole. Compaction removes records and leaves the header as it was.
 */
export function readBatchHeaders(bytes: Buffer): BatchHeader[] {
  const headers: BatchHeader[] = []
  for (let at = 0; at + HEADER_BYTES <= bytes.length; at += LOG_OVERHEAD + bytes.readInt32BE(at + LENGTH)) {
    if (bytes[at + MAGIC] !== 2) continue
    const baseOffset = readInt64(bytes, at)
    headers.push({
      baseOffset,
      lastOffset: baseOffset + bytes.readInt32BE(at + LAST_OFFSET_DELTA),
      producerId: bytes.readBigInt64BE(at + PRODUCER_ID),
      producerEpoch: bytes.readInt16BE(at + PRODUCER_EPOCH),
      baseSequence: bytes.readInt32BE(at + BASE_SEQUENCE),
    })
  }
  return headers
}
