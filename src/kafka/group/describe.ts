import { KafkaCode } from '../errors.ts'
import { type DescribedGroup, describeGroups } from '../wire/group-apis.ts'
import type { GroupCoordinator } from './coordinator.ts'
import { GroupError } from './group-error.ts'
import { decodeAssignment, decodeSubscription } from './protocol.ts'
import type { TopicPartition } from '../topic-partition.ts'

/** Every member has its assignment. In any other state members are described without what they said and got. */
const STABLE = 'Stable'

/**
 * The group as its coordinator has it.
 * @throws GroupError; what the coordinator's call throws
 */
async function describe(coordinator: GroupCoordinator, groupId: string): Promise<DescribedGroup> {
  const { groups } = await coordinator.call(describeGroups, [groupId], false)
  const group = groups[0]
  const code = group?.errorCode ?? KafkaCode.COORDINATOR_NOT_AVAILABLE
  if (group === undefined || code !== KafkaCode.NONE) {
    coordinator.retriable(code)
    throw new GroupError('DescribeGroups', code)
  }
  return group
}

/**
 * The static member of this name, where the group has one: its id, and whether it took part in the last rebalance as one
 * that is away.
 * @throws as describe()
 */
export async function findInstance(
  coordinator: GroupCoordinator,
  groupId: string,
  instanceId: string,
): Promise<{ memberId: string; isAway: boolean } | undefined> {
  const { groupState, members } = await describe(coordinator, groupId)
  const found = members.find(({ groupInstanceId }) => groupInstanceId === instanceId)
  if (found === undefined) return undefined
  const isAway = groupState === STABLE && decodeSubscription(found.memberMetadata).isAway === true
  return { memberId: found.memberId, isAway }
}

/** Who has what, by instance id (null for dynamic members); undefined while the group is in a rebalance. @throws as describe() */
export async function assignmentOf(
  coordinator: GroupCoordinator,
  groupId: string,
): Promise<[instanceId: string | null, partitions: TopicPartition[]][] | undefined> {
  const { groupState, members } = await describe(coordinator, groupId)
  if (groupState !== STABLE) return undefined
  return members.map(({ groupInstanceId, memberAssignment }) => [
    groupInstanceId,
    memberAssignment.length === 0 ? [] : decodeAssignment(memberAssignment),
  ])
}
