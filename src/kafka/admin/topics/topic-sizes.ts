import type { Cluster, TopicInfo } from '../../cluster.ts'
import type { Deadline } from '../../deadline.ts'
import { KafkaCode } from '../../errors.ts'
import { describeLogDirs } from '../../wire/topic-apis.ts'

/** Longest that sizes are waited for where all else is known, ms. */
export const SIZES_MS = 1_000

/**
 * Bytes on disk of each partition's log at its leader. No entry where the partition has no leader, or its broker does not
 * answer in time or does not let the gateway see (Kafka asks for DESCRIBE on the cluster).
 */
export async function sizesOf(
  cluster: Cluster,
  topic: TopicInfo,
  deadline: Deadline,
): Promise<Map<number, number>> {
  const byLeader = Map.groupBy(
    topic.partitions.filter((p) => p.leader >= 0),
    (p) => p.leader,
  )
  const sizes = new Map<number, number>()
  await Promise.all(
    [...byLeader].map(async ([leader, partitions]) => {
      const numbers = partitions.map((p) => p.partition)
      const asked = deadline.within(askBroker(cluster, leader, topic.name, numbers))
      for (const [partition, size] of await asked.catch(() => [])) sizes.set(partition, size)
    }),
  )
  return sizes
}

async function askBroker(
  cluster: Cluster,
  nodeId: number,
  name: string,
  partitions: readonly number[],
): Promise<[partition: number, size: number][]> {
  const connection = await cluster.control(nodeId)
  const { results } = await connection.call(describeLogDirs, [{ name, partitions }])
  return results
    .filter(({ errorCode }) => errorCode === KafkaCode.NONE)
    .flatMap(({ topics }) => topics.flatMap((topic) => topic.partitions))
    .filter(({ isFutureKey }) => !isFutureKey) // a copy on its way to another disk of the broker
    .map(({ partitionIndex, partitionSize }) => [partitionIndex, Number(partitionSize)])
}
