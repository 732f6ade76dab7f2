import { Problem } from '../../../problems/problem.ts'
import type { Cluster } from '../../cluster.ts'
import { Deadline } from '../../deadline.ts'
import { KafkaCode, problemFromKafkaCode } from '../../errors.ts'
import { PROTOCOL_TYPE } from '../../group/protocol.ts'
import { offsetDelete } from '../../wire/group-admin-apis.ts'
import { TIMEOUT_MS } from '../timeouts.ts'
import { type Committed, committedOffsets } from './committed.ts'
import { describeGroup, type GroupDescription } from './describe-group.ts'
import { callGroup, groupProblem, quoted } from './group-call.ts'
import type { OffsetChange } from './plan-reset.ts'
import { refuseActiveGroup, refuseInternalGroup, refuseShareGroup } from './refusals.ts'

export interface DeletionPlan {
  readonly group: string
  readonly topic: string
  /** What goes. */
  readonly doomed: readonly Committed[]
  /** All that the group has committed. */
  readonly committed: readonly Committed[]
  readonly deadline: Deadline
}

/**
 * What deleting a group's offsets in a topic, or in one partition of it, would delete.
 * @throws Problem group_not_found, offset_not_committed, topic_subscribed, group_active of a group that is not of
 *   consumers, group_type_unsupported; kafka_authorization, kafka_unavailable, kafka_auth_failed
 */
export async function planDeletion(
  cluster: Cluster,
  group: string,
  topic: string,
  partition: number | undefined,
): Promise<DeletionPlan> {
  refuseInternalGroup(group)
  const deadline = new Deadline(TIMEOUT_MS)
  const [description, committed] = await Promise.all([
    describeGroup(cluster, group, deadline),
    committedOffsets(cluster, group, deadline),
  ])
  refuseShareGroup(description)
  if (description.protocolType !== PROTOCOL_TYPE) refuseActiveGroup(description)
  if (mayRead(description, topic)) throw subscribed(group, topic)
  const doomed = committed.filter(
    (entry) => entry.topic === topic && entry.partition === (partition ?? entry.partition),
  )
  if (doomed.length === 0) {
    const where = partition === undefined ? `topic ${topic}` : `partition ${partition} of topic ${topic}`
    const detail = `Group ${quoted(group)} has committed nothing in ${where}.`
    throw new Problem('offset_not_committed', { detail })
  }
  return { group, topic, doomed, committed, deadline }
}

/**
 * Deletes what was planned; each partition says what became of it.
 * @throws as planDeletion()
 */
export async function deleteOffsets(cluster: Cluster, plan: DeletionPlan): Promise<OffsetChange[]> {
  const { group, topic, doomed, deadline } = plan
  const request = [{ name: topic, partitions: doomed.map((p) => ({ partitionIndex: p.partition })) }]
  const { answer, repeated } = await callGroup(
    cluster,
    group,
    deadline,
    (connection) => connection.call(offsetDelete, group, request),
    (answer) => [answer.errorCode],
  )
  // With its last offset an empty group may be gone before a second try.
  const gone = repeated && answer.errorCode === KafkaCode.GROUP_ID_NOT_FOUND
  if (answer.errorCode !== KafkaCode.NONE && !gone) throw groupProblem(answer.errorCode, group)
  const codes = new Map(answer.topics[0]?.partitions.map((p) => [p.partitionIndex, p.errorCode]))
  if ([...codes.values()].includes(KafkaCode.GROUP_SUBSCRIBED_TO_TOPIC)) throw subscribed(group, topic)
  return doomed.map((entry) => {
    const change = toDeletion(entry)
    const code = codes.get(entry.partition) ?? KafkaCode.NONE
    if (code === KafkaCode.NONE) return change
    return { ...change, after: change.before, problem: problemFromKafkaCode(code) }
  })
}

/** An offset, as a change that deletes it. */
export function toDeletion({ topic, partition, offset }: Committed): OffsetChange {
  return { topic, partition, before: offset, after: null, clamped: false, problem: undefined }
}

/** Kafka's own rule: while a classic group rebalances, nobody knows what its members will read. */
function mayRead({ members, protocolType }: GroupDescription, topic: string): boolean {
  if (protocolType !== PROTOCOL_TYPE) return false
  return (members ?? []).some(({ topics, assignments }) => {
    const assigned = assignments?.some((assignment) => assignment.topic === topic) === true
    return topics === null || topics.includes(topic) || assigned
  })
}

function subscribed(group: string, topic: string): Problem {
  const detail = `A member of group ${quoted(group)} subscribes to topic ${topic}.`
  return new Problem('topic_subscribed', { detail })
}
