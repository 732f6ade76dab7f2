import type { Cluster } from '../../cluster.ts'
import type { Deadline } from '../../deadline.ts'
import { KafkaCode } from '../../errors.ts'
import { decodeAssignment, decodeSubscription, PROTOCOL_TYPE } from '../../group/protocol.ts'
import { byTopic } from '../../group/types.ts'
import {
  type AssignedGroup,
  consumerGroupDescribe,
  listGroups,
  shareGroupDescribe,
  type TopicAssignment,
} from '../../wire/group-admin-apis.ts'
import { type DescribedGroup, describeGroups } from '../../wire/group-apis.ts'
import { callGroup, groupProblem, ifSupported, noSuchGroup } from './group-call.ts'

/** `classic` groups assign among themselves; in the others the coordinator does (KIP-848, KIP-932, KIP-1071). */
export const groupTypes = ['classic', 'consumer', 'share', 'streams'] as const
export type GroupType = (typeof groupTypes)[number]

/** Kafka's own names; the last three are of groups whose coordinator assigns. */
export const groupStates = [
  'Empty',
  'Stable',
  'PreparingRebalance',
  'CompletingRebalance',
  'Dead',
  'Assigning',
  'Reconciling',
  'NotReady',
] as const
export type GroupState = (typeof groupStates)[number]

export interface TopicPartitions {
  readonly topic: string
  readonly partitions: readonly number[]
}

export interface MemberDescription {
  readonly member: string
  /** Of a static member (KIP-345). */
  readonly instanceId: string | null
  readonly clientId: string
  readonly host: string
  /** Of a member whose coordinator assigns. */
  readonly epoch: number | null
  /** What it subscribes to; null where it is not known: of other protocols, and while a classic group rebalances. */
  readonly topics: readonly string[] | null
  /** The regular expression it subscribes by, where it does and the coordinator is who resolves it. */
  readonly pattern: string | null
  /** Null where the group does not share out partitions. */
  readonly assignments: readonly TopicPartitions[] | null
  /** What it is to have once others have given it up, where the coordinator assigns. */
  readonly target: readonly TopicPartitions[] | null
}

export interface GroupDescription {
  readonly group: string
  readonly state: GroupState
  readonly type: GroupType
  readonly protocolType: string
  /** The assignor; null where there is none. */
  readonly protocol: string | null
  readonly epoch: number | null
  /** Node id. */
  readonly coordinator: number
  /** Null of a streams group, whose members are not looked at. */
  readonly members: readonly MemberDescription[] | null
}

/**
 * A group as its coordinator has it.
 * @throws Problem group_not_found; as findGroup
 */
export async function describeGroup(
  cluster: Cluster,
  group: string,
  deadline: Deadline,
): Promise<GroupDescription> {
  const found = await findGroup(cluster, group, deadline)
  if (found === undefined) throw noSuchGroup(group)
  return found
}

/**
 * The same; undefined where there is no such group. What kind of group it is shows in which question the coordinator
 * answers.
 * @throws Problem kafka_unavailable, kafka_auth_failed, kafka_authorization
 */
export async function findGroup(
  cluster: Cluster,
  group: string,
  deadline: Deadline,
): Promise<GroupDescription | undefined> {
  const { answer, coordinator } = await callGroup(
    cluster,
    group,
    deadline,
    async (connection) => {
      const [classic, consumer] = await Promise.all([
        connection.call(describeGroups, [group], false),
        ifSupported(connection.call(consumerGroupDescribe, [group], false)),
      ])
      return { classic: classic.groups[0], consumer: consumer?.groups[0] }
    },
    ({ classic, consumer }) => [classic?.errorCode ?? 0, consumer?.errorCode ?? 0],
  )
  const { classic, consumer } = answer
  if (consumer !== undefined && isThere(group, consumer.errorCode)) {
    return fromAssigned(group, 'consumer', PROTOCOL_TYPE, coordinator, consumer)
  }
  // Older versions of the call answer `Dead` for what is not there.
  if (classic !== undefined && isThere(group, classic.errorCode) && classic.groupState !== 'Dead') {
    return fromClassic(group, coordinator, classic)
  }
  return findOther(cluster, group, deadline)
}

/** A group that is neither classic nor of consumers. @throws as findGroup */
async function findOther(
  cluster: Cluster,
  group: string,
  deadline: Deadline,
): Promise<GroupDescription | undefined> {
  const { answer, coordinator } = await callGroup(
    cluster,
    group,
    deadline,
    async (connection) => {
      const [share, listed] = await Promise.all([
        ifSupported(connection.call(shareGroupDescribe, [group], false)),
        connection.call(listGroups, [], ['streams']),
      ])
      return { share: share?.groups[0], listed }
    },
    ({ share, listed }) => [share?.errorCode ?? 0, listed.errorCode],
  )
  const { share, listed } = answer
  if (share !== undefined && isThere(group, share.errorCode) && share.groupState !== 'Dead') {
    return fromAssigned(group, 'share', 'share', coordinator, share)
  }
  const streams = listed.groups.find(({ groupId, groupType }) => groupId === group && groupType === 'streams')
  if (streams === undefined) return undefined
  const { protocolType, groupState } = streams
  return {
    group,
    state: groupState as GroupState,
    type: 'streams',
    protocolType,
    protocol: null,
    epoch: null,
    coordinator,
    members: null,
  }
}

/** Whether the coordinator knows it as a group of this kind. @throws Problem */
function isThere(group: string, code: number): boolean {
  switch (code) {
    case KafkaCode.NONE:
      return true
    case KafkaCode.GROUP_ID_NOT_FOUND:
    case KafkaCode.INVALID_GROUP_ID:
    // The cluster has this kind of group switched off.
    case KafkaCode.UNSUPPORTED_VERSION:
      return false
    default:
      throw groupProblem(code, group)
  }
}

function fromClassic(group: string, coordinator: number, found: DescribedGroup): GroupDescription {
  const ofConsumers = found.protocolType === PROTOCOL_TYPE
  const members = found.members.map((member): MemberDescription => {
    const { memberMetadata, memberAssignment } = member
    const subscribed =
      ofConsumers && memberMetadata.length > 0 ? decoded(() => decodeSubscription(memberMetadata)) : null
    const assigned = memberAssignment.length > 0 ? decoded(() => decodeAssignment(memberAssignment)) : []
    return {
      member: member.memberId,
      instanceId: member.groupInstanceId,
      clientId: member.clientId,
      host: hostOf(member.clientHost),
      epoch: null,
      topics: subscribed === null ? null : [...subscribed.topics].sort(),
      pattern: null,
      assignments: ofConsumers && assigned !== null ? sorted(byTopic(assigned)) : null,
      target: null,
    }
  })
  return {
    group,
    state: found.groupState as GroupState,
    type: 'classic',
    protocolType: found.protocolType,
    protocol: found.protocolData === '' ? null : found.protocolData,
    epoch: null,
    coordinator,
    members,
  }
}

function fromAssigned(
  group: string,
  type: GroupType,
  protocolType: string,
  coordinator: number,
  found: AssignedGroup,
): GroupDescription {
  const members = found.members.map((member): MemberDescription => {
    const { targetAssignment, subscribedTopicRegex } = member
    return {
      member: member.memberId,
      instanceId: member.instanceId ?? null,
      clientId: member.clientId,
      host: hostOf(member.clientHost),
      epoch: member.memberEpoch,
      topics: member.subscribedTopicNames.toSorted(),
      pattern:
        subscribedTopicRegex === undefined || subscribedTopicRegex === '' ? null : subscribedTopicRegex,
      assignments: sorted(toMap(member.assignment.topicPartitions)),
      target: targetAssignment === undefined ? null : sorted(toMap(targetAssignment.topicPartitions)),
    }
  })
  return {
    group,
    state: found.groupState as GroupState,
    type,
    protocolType,
    protocol: found.assignorName === '' ? null : found.assignorName,
    epoch: found.groupEpoch,
    coordinator,
    members,
  }
}

/** Members write what they like: bytes that are none of the protocol's say nothing. */
function decoded<T>(decode: () => T): T | null {
  try {
    return decode()
  } catch {
    return null
  }
}

/** Java's way to write an address begins with a slash. */
function hostOf(clientHost: string): string {
  return clientHost.replace(/^\//, '')
}

function toMap(assignments: readonly TopicAssignment[]): Map<string, number[]> {
  return new Map(assignments.map(({ topicName, partitions }) => [topicName, partitions]))
}

function sorted(topics: ReadonlyMap<string, readonly number[]>): TopicPartitions[] {
  return [...topics]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([topic, partitions]) => ({ topic, partitions: partitions.toSorted((a, b) => a - b) }))
}
