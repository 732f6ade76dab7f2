// The default partitioner puts half of all keys where Java's does not: murmur2 is taken unsigned, Java clears its sign bit
// (Utils.toPositive). On any number of partitions that is no power of two they differ.
import { compatibilityPartitioner, defaultPartitioner } from '@platformatic/kafka'

const PARTITIONS = 3
const keys = Array.from({ length: 10_000 }, (_, n) => Buffer.from(`key-${n}`))
const elsewhere = keys.filter(
  (key) => defaultPartitioner({}, key) % PARTITIONS !== compatibilityPartitioner({}, key) % PARTITIONS,
)
console.log(
  `${elsewhere.length} of ${keys.length} keys go to another of ${PARTITIONS} partitions than Java puts them`,
)
process.exitCode = elsewhere.length > 0 ? 0 : 1
