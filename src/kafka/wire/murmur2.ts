/**
 * Murmur2 as Kafka's Java client computes it (`Utils.murmur2`), over 32-bit integers: the client library's own, on BigInt,
 * is twenty times slower.
 * @returns a signed 32-bit integer
 */
export function murmur2(bytes: Uint8Array): number {
  const m = 0x5bd1e995
  const length = bytes.length
  let h = 0x9747b28c ^ length
  let i = 0
  for (; i + 4 <= length; i += 4) {
    let k = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24)
    k = Math.imul(k, m)
    k ^= k >>> 24
    k = Math.imul(k, m)
    h = Math.imul(h, m) ^ k
  }
  const tail = length - i
  if (tail > 0) {
    if (tail > 2) h ^= bytes[i + 2]! << 16
    if (tail > 1) h ^= bytes[i + 1]! << 8
    h = Math.imul(h ^ bytes[i]!, m)
  }
  h = Math.imul(h ^ (h >>> 13), m)
  return h ^ (h >>> 15)
}

/** The partition of a key by the rule of Java's default partitioner: every client that follows it agrees. */
export function partitionForKey(key: Uint8Array, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions
}
