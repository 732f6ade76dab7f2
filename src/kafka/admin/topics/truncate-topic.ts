import { Problem } from '../../../problems/problem.ts'
import type { Cluster, TopicInfo } from '../../cluster.ts'
import { Deadline } from '../../deadline.ts'
import { KafkaCode, problemFromKafka, problemFromKafkaCode } from '../../errors.ts'
import { deleteRecords } from '../../wire/topic-apis.ts'
import { notFound } from './alter-steps.ts'
import { POLL_MS, TIMEOUT_MS } from '../timeouts.ts'
import { boundsOf } from './topic-offsets.ts'
import type { PartitionPlan, TruncationPlan } from './truncation-plan.ts'

/** Longest that a leader may wait for the replicas to delete as well, ms; the records are gone from its own log at once. */
const TRY_MS = 3_000
/** How long before the end a partition whose outcome is not known is looked at, ms. */
const LOOK_MS = 2_000

export interface PartitionTruncation extends PartitionPlan {
  /** Why its records were not deleted, or perhaps not. */
  readonly problem?: Problem
}

/**
 * Deletes the records that a plan names. Each leader is asked, and again where it moved; a partition that could not be
 * done by the deadline has its problem.
 */
export async function truncateTopic(
  cluster: Cluster,
  { topic, partitions }: TruncationPlan,
): Promise<PartitionTruncation[]> {
  const deadline = new Deadline(TIMEOUT_MS)
  const tries = deadline.slice(TIMEOUT_MS - LOOK_MS)
  const problems = new Map<number, Problem>()
  const pending = new Map(
    partitions.filter((p) => p.newEarliest > p.earliest).map((p) => [p.partition, p.newEarliest]),
  )
  let now = topic
  while (pending.size > 0) {
    await askLeaders(cluster, now, pending, problems, tries)
    if (pending.size === 0 || tries.passed) break
    await tries.pause(POLL_MS)
    const seen = await tries.within(cluster.refreshTopic(topic.name)).catch(() => now)
    if (seen?.id !== topic.id) {
      for (const partition of pending.keys()) problems.set(partition, notFound(topic.name))
      pending.clear()
      break
    }
    now = seen
  }
  await lookAt(cluster, now, pending, problems, deadline)
  return partitions.map((p) => {
    const problem = problems.get(p.partition)
    return problem === undefined ? p : { ...p, problem }
  })
}

/** Takes those that are done out of `pending`, and out of it with a problem those that will never be. */
async function askLeaders(
  cluster: Cluster,
  topic: TopicInfo,
  pending: Map<number, number>,
  problems: Map<number, Problem>,
  deadline: Deadline,
): Promise<void> {
  const byLeader = Map.groupBy(pending, ([partition]) => topic.partitions[partition]?.leader ?? -1)
  await Promise.all(
    [...byLeader].map(async ([leader, targets]) => {
      try {
        const answers = await askLeader(cluster, leader, topic.name, targets, deadline)
        for (const { partitionIndex, errorCode } of answers) {
          const problem = problemOf(errorCode)
          if (problem === undefined) problems.delete(partitionIndex)
          else problems.set(partitionIndex, problem)
          if (problem?.row.retryable !== true) pending.delete(partitionIndex)
        }
      } catch (error) {
        const problem = problemFromKafka(error)
        for (const [partition] of targets) problems.set(partition, problem)
      }
    }),
  )
}

/** On a connection of its own: the answer waits for the replicas, and would hold up others. */
async function askLeader(
  cluster: Cluster,
  leader: number,
  name: string,
  targets: readonly (readonly [partition: number, offset: number])[],
  deadline: Deadline,
): Promise<readonly { partitionIndex: number; errorCode: number }[]> {
  const connection = await deadline.within(cluster.lease(leader))
  try {
    const partitions = targets.map(([partitionIndex, offset]) => ({ partitionIndex, offset: BigInt(offset) }))
    const timeoutMs = Math.ceil(Math.min(deadline.left, TRY_MS))
    const call = connection.call(deleteRecords, [{ name, partitions }], timeoutMs)
    const { topics } = await deadline.slice(TRY_MS + 500).within(call)
    cluster.release(connection)
    return topics[0]?.partitions ?? []
  } catch (error) {
    connection.destroy()
    throw error
  }
}

function problemOf(errorCode: number): Problem | undefined {
  switch (errorCode) {
    case KafkaCode.NONE:
      return undefined
    // Kafka's policy is that of the topic, `cleanup.policy`, which the gateway may not be allowed to see.
    case KafkaCode.POLICY_VIOLATION:
      return new Problem('topic_only_compacted')
    case KafkaCode.OFFSET_OUT_OF_RANGE:
      return new Problem('offset_out_of_range', {
        detail: 'Its log has become shorter: its leader lost records.',
      })
    case KafkaCode.UNKNOWN_TOPIC_OR_PARTITION:
      // A broker that has not heard yet that it leads the partition.
      return new Problem('kafka_unavailable')
    default:
      return problemFromKafkaCode(errorCode)
  }
}

/** A leader that did not answer may have deleted: where its log starts tells. */
async function lookAt(
  cluster: Cluster,
  topic: TopicInfo,
  pending: ReadonlyMap<number, number>,
  problems: Map<number, Problem>,
  deadline: Deadline,
): Promise<void> {
  if (pending.size === 0) return
  const bounds = await boundsOf(cluster, topic, deadline)
  for (const [partition, target] of pending) {
    if ((bounds.get(partition)?.earliest ?? -1) >= target) problems.delete(partition)
  }
}
