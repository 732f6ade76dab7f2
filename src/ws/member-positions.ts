import type { Cluster, TopicInfo } from '../kafka/cluster.ts'
import type { AssignedPartition } from '../kafka/group/types.ts'
import type { PartitionPosition } from '../kafka/record-reader.ts'
import { Problem } from '../problems/problem.ts'
import type { StartOptions } from '../streams/find-start.ts'
import { startPositions } from '../streams/positions.ts'

/**
 * Where a group member reads what it was assigned of one topic, which was `before` when it subscribed: where the group has committed, else at the start
 * position; `fresh` says so. A partition added since the member subscribed, or of a topic made since, is read from
 * its beginning: all that is in it came after.
 * @throws as startPositions
 */
export async function memberPositions(
  cluster: Cluster,
  name: string,
  before: TopicInfo | undefined,
  assigned: readonly AssignedPartition[],
  { from, isolation }: Pick<StartOptions, 'from' | 'isolation'>,
): Promise<(PartitionPosition & { fresh: boolean })[]> {
  const known = cluster.cachedTopic(name)
  const isKnown = assigned.every(({ partition }) => known?.partitions[partition] !== undefined)
  const topic = isKnown ? known : await cluster.refreshTopic(name)
  if (topic === undefined) throw new Problem('topic_not_found', { detail: `There is no topic ${name}.` })
  const fresh = assigned.filter(({ committed }) => committed === undefined).map(({ partition }) => partition)
  const isNew = (partition: number) => topic.id !== before?.id || partition >= before.partitions.length
  const found = await Promise.all([
    startPositions(cluster, topic, fresh.filter(isNew), { kind: 'earliest' }, isolation),
    startPositions(
      cluster,
      topic,
      fresh.filter((partition) => !isNew(partition)),
      from,
      isolation,
    ),
  ])
  const committed = assigned.flatMap(({ partition, committed: offset }) =>
    offset === undefined ? [] : [{ topic: name, topicId: topic.id, partition, offset, fresh: false }],
  )
  return [...committed, ...found.flat().map((position) => ({ ...position, fresh: true }))]
}
