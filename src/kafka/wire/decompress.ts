import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { compressionsAlgorithmsByBitmask } from '@platformatic/kafka'
import { codecBits } from './compress.ts'
import { CorruptRecordError } from './corrupt-record-error.ts'

/**
 * The most bytes one batch may unfold into: 1 MB of gzip can hold 1 GB of zeros, of zstd far more. (Snappy and LZ4 stay
 * below 255 to 1 by their formats.)
 */
const MAX_BATCH_BYTES = 256 * 1024 * 1024

/**
 * The records of a compressed batch; `codec` is the low three bits of its attributes.
 * @throws CorruptRecordError for a codec Kafka doesn't have, bytes that aren't of it, or a batch that unfolds too far
 */
export function decompress(codec: number, bytes: Buffer): Buffer {
  try {
    if (codec === codecBits.gzip) return gunzipSync(bytes, { maxOutputLength: MAX_BATCH_BYTES })
    if (codec === codecBits.zstd) return zstdDecompressSync(bytes, { maxOutputLength: MAX_BATCH_BYTES })
    const algorithm = compressionsAlgorithmsByBitmask[codec]
    if (algorithm !== undefined) return algorithm.decompressSync(bytes)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new CorruptRecordError(`a record batch that cannot be decompressed: ${reason}`)
  }
  throw new CorruptRecordError(`a record batch of compression ${codec}, which Kafka does not have`)
}
