import { gzipSync, zstdCompressSync } from 'node:zlib'
import { compressionsAlgorithms } from '@platformatic/kafka'

/** The compressions of Kafka's record batches. */
export type Codec = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'

/** Its place in a batch's attributes, the low three bits (Kafka's `CompressionType`). */
export const codecBits: Readonly<Record<Codec, number>> = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 }

export function compress(codec: Codec, bytes: Buffer): Buffer {
  if (codec === 'none') return bytes
  if (codec === 'gzip') return gzipSync(bytes)
  if (codec === 'zstd') return zstdCompressSync(bytes)
  return compressionsAlgorithms[codec].compressSync(bytes)
}
