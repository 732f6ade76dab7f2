import { KafkaCode } from '../errors.ts'
import { type DescribedGroup, describeGroups } from '../wire/group-apis.ts'
import type { GroupCoordinator } from './coordinator.ts'
import { GroupError } from './group-error.ts'
import { decodeAssignment } from './protocol.ts'
import type { TopicPartition } from './types.ts'

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

/** Whether the group has a static member of this name. @throws as describe() */
export async function hasInstance(
  coordinator: GroupCoordinator,
  groupId: string,
  instanceId: string,
): Promise<boolean> {
  const { members } = await describe(coordinator, groupId)
  return members.some(({ groupInstanceId }) => groupInstanceId === instanceId)
}

/** Who has what, by instance id (null for dynamic members); undefined while the group is in a rebalance. @throws as describe() */
export async function assignmentOf(
  coordinator: GroupCoordinator,
  groupId: string,
): Promise<[instanceId: string | null, partitions: TopicPartition[]][] | undefined> {
  const { groupState, members } = await describe(coordinator, groupId)
  if (groupState !== 'Stable') return undefined
  return members.map(({ groupInstanceId, memberAssignment }) => [
    groupInstanceId,
    memberAssignment.length === 0 ? [] : decodeAssignment(memberAssignment),
  ])
}
