import type { Cluster } from '../../cluster.ts'
import type { Deadline } from '../../deadline.ts'
import { KafkaCode } from '../../errors.ts'
import type { TopicPartition } from '../../topic-partition.ts'
import { offsetFetch, type OffsetFetchAnswer } from '../../wire/group-apis.ts'
import { callGroup, groupProblem } from './group-call.ts'

/** An offset that a group has committed: where it resumes. */
export interface Committed extends TopicPartition {
  /** Null where it is past 2^53-1, which clients may write and no topic reaches. */
  readonly offset: number | null
  readonly metadata: string
}

/**
 * All that a group has committed, by topic and partition; nothing where there is no such group. An offset that an open
 * transaction is about to change is told as it is.
 * @throws Problem kafka_unavailable, kafka_auth_failed, kafka_authorization
 */
export async function committedOffsets(
  cluster: Cluster,
  group: string,
  deadline: Deadline,
): Promise<Committed[]> {
  const request = { groupId: group, memberId: null, memberEpoch: -1, topics: null } as const
  const { answer } = await callGroup(
    cluster,
    group,
    deadline,
    (connection) => connection.call(offsetFetch, [request], false),
    codesOf,
  )
  const code = answer.groups[0]?.errorCode ?? KafkaCode.NONE
  if (code === KafkaCode.GROUP_ID_NOT_FOUND) return []
  if (code !== KafkaCode.NONE) throw groupProblem(code, group)
  return answer.groups
    .flatMap(({ topics }) =>
      topics.flatMap(({ name, partitions }) =>
        partitions
          .filter(({ errorCode, committedOffset }) => errorCode === KafkaCode.NONE && committedOffset >= 0n)
          .map(({ partitionIndex, committedOffset, metadata }) => ({
            topic: name,
            partition: partitionIndex,
            offset: committedOffset > BigInt(Number.MAX_SAFE_INTEGER) ? null : Number(committedOffset),
            metadata: metadata ?? '',
          })),
      ),
    )
    .sort(inOrder)
}

function* codesOf({ groups }: OffsetFetchAnswer): Iterable<number> {
  for (const { errorCode } of groups) yield errorCode
}

/** By topic, then by partition. */
export function inOrder(a: TopicPartition, b: TopicPartition): number {
  if (a.topic === b.topic) return a.partition - b.partition
  return a.topic < b.topic ? -1 : 1
}
