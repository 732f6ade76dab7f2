import { KafkaCode } from '../errors.ts'
import { type OffsetCommitTopic, offsetFetch } from '../wire/group-apis.ts'
import type { GroupCoordinator } from './coordinator.ts'
import { GroupError } from './group-error.ts'
import type { Claim } from './holdings.ts'
import { type AssignedPartition, byTopic, type PartitionOffset } from './types.ts'
import { keyOf } from '../topic-partition.ts'

/**
 * A commit's metadata names the topic by id, for a commit that arrives just after the topic was deleted and made again
 * under the same name: it would say to resume the new topic where the old one was, and so skip records.
 */
const TOPIC_ID_PREFIX = 'sluice:topic-id='

/** The request's part for offsets to commit. */
export function commitTopics(offsets: Iterable<PartitionOffset & { claim: Claim }>): OffsetCommitTopic[] {
  const topics = new Map<string, OffsetCommitTopic>()
  for (const { claim, topic, partition, offset } of offsets) {
    const entry = topics.get(topic) ?? { name: topic, partitions: [] }
    topics.set(topic, entry)
    entry.partitions.push({
      partitionIndex: partition,
      committedOffset: BigInt(offset),
      committedLeaderEpoch: -1,
      committedMetadata: claim.topicId === undefined ? '' : TOPIC_ID_PREFIX + claim.topicId,
    })
  }
  return [...topics.values()]
}

/**
 * Where the group resumes each partition. An offset of a topic that has since been made again counts as none.
 * @throws GroupError; what the coordinator's call throws
 */
export async function fetchCommitted(
  coordinator: GroupCoordinator,
  groupId: string,
  claims: readonly Claim[],
): Promise<AssignedPartition[]> {
  const topics = [...byTopic(claims)].map(([name, partitionIndexes]) => ({ name, partitionIndexes }))
  const request = { groupId, memberId: null, memberEpoch: -1, topics } as const
  const { groups } = await coordinator.call(offsetFetch, [request], true)
  const group = groups[0]
  if (group === undefined || group.errorCode !== KafkaCode.NONE) {
    throw new GroupError('OffsetFetch', group?.errorCode ?? KafkaCode.COORDINATOR_NOT_AVAILABLE)
  }
  const found = new Map<string, { offset: bigint; metadata: string | null }>()
  for (const { name, partitions } of group.topics) {
    for (const { partitionIndex, committedOffset, metadata, errorCode } of partitions) {
      if (errorCode !== KafkaCode.NONE) throw new GroupError('OffsetFetch', errorCode)
      found.set(keyOf({ topic: name, partition: partitionIndex }), { offset: committedOffset, metadata })
    }
  }
  return claims.map((claim) => {
    const { offset, metadata } = found.get(keyOf(claim)) ?? { offset: -1n, metadata: null }
    const stale =
      metadata?.startsWith(TOPIC_ID_PREFIX) === true &&
      claim.topicId !== undefined &&
      metadata !== TOPIC_ID_PREFIX + claim.topicId
    const committed = offset < 0n || stale ? undefined : Number(offset)
    return { topic: claim.topic, partition: claim.partition, committed }
  })
}
