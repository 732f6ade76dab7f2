import type { Cluster, TopicInfo } from '../../cluster.ts'
import type { Deadline } from '../../deadline.ts'
import { KafkaCode } from '../../errors.ts'
import { describeLogDirs } from '../../wire/cluster-apis.ts'
import { askBrokers } from '../broker-answers.ts'

/** Longest that sizes are waited for where all else is known, ms. */
export const SIZES_MS = 1_000

/**
 * Bytes on disk of each partition's log at its leader. No entry where the partition has no leader, or its broker does not
 * answer in time or does not let the gateway see (Kafka asks for DESCRIBE on the cluster).
 * @throws Problem kafka_auth_failed
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
  const { answers } = await askBrokers(cluster, byLeader.keys(), deadline, (connection, leader) => {
    const partitions = byLeader.get(leader)!.map((p) => p.partition)
    return connection.call(describeLogDirs, [{ name: topic.name, partitions }])
  })
  const sizes = [...answers.values()]
    .flatMap(({ results }) => results)
    .filter(({ errorCode }) => errorCode === KafkaCode.NONE)
    .flatMap(({ topics }) => topics.flatMap(({ partitions }) => partitions))
    .filter(({ isFutureKey }) => !isFutureKey) // a copy on its way to another disk of the broker
  return new Map(sizes.map(({ partitionIndex, partitionSize }) => [partitionIndex, Number(partitionSize)]))
}
