import * as client from '@platformatic/kafka'
import { family } from './apis.ts'

/** `key_type` of a consumer group in FindCoordinator. */
export const GROUP_KEY = 0

/** Arguments: key type, keys. Version 4 is the first to take several keys (KIP-699). */
export const findCoordinator = family<
  [keyType: number, keys: string[]],
  { coordinators: { key: string; nodeId: number; host: string; port: number; errorCode: number }[] }
>(client.findCoordinatorV6, client.findCoordinatorV5, client.findCoordinatorV4)

export interface JoinedMember {
  readonly memberId: string
  /** Of a static member (KIP-345). */
  readonly groupInstanceId: string | null
  readonly metadata: Buffer
}

export interface JoinGroupAnswer {
  readonly errorCode: number
  readonly generationId: number
  readonly protocolName: string | null
  /** Member id of the leader, which assigns. */
  readonly leader: string
  /** Told to a static leader that came back: the group's assignment stands (KIP-814). From version 9 on. */
  readonly skipAssignment?: boolean
  readonly memberId: string
  /** Every member, told to the leader alone. */
  readonly members: readonly JoinedMember[]
}

/**
 * Arguments: group, session and rebalance timeout, member id ('' for a new one), instance id (null for a dynamic member),
 * protocol type, protocols, reason. The reason (KIP-800) is left out before version 8. Answered only when every member has joined.
 */
export const joinGroup = family<
  [
    groupId: string,
    sessionTimeoutMs: number,
    rebalanceTimeoutMs: number,
    memberId: string,
    instanceId: string | null,
    protocolType: string,
    protocols: { name: string; metadata: Buffer }[],
    reason: string,
  ],
  JoinGroupAnswer
>(client.joinGroupV9, client.joinGroupV8, client.joinGroupV7)

/** Arguments: group, generation, member id, instance id, protocol type and name, assignments (the leader's). */
export const syncGroup = family<
  [
    groupId: string,
    generation: number,
    memberId: string,
    instanceId: string | null,
    protocolType: string,
    protocolName: string | null,
    assignments: { memberId: string; assignment: Buffer }[],
  ],
  { errorCode: number; assignment: Buffer }
>(client.syncGroupV5, client.syncGroupV4)

/** Arguments: group, generation, member id, instance id. */
export const heartbeat = family<
  [groupId: string, generation: number, memberId: string, instanceId: string | null],
  { errorCode: number }
>(client.heartbeatV4)

/** Arguments: group, members. The reason (KIP-800) is left out before version 5. */
export const leaveGroup = family<
  [groupId: string, members: { memberId: string; groupInstanceId: string | null; reason: string }[]],
  { errorCode: number; members: { errorCode: number }[] }
>(client.leaveGroupV5, client.leaveGroupV4)

export interface DescribedGroup {
  readonly errorCode: number
  /** `Stable` where every member has its assignment; in the other states the answer has none of either. */
  readonly groupState: string
  /** `consumer` for consumers, '' where only offsets were committed. */
  readonly protocolType: string
  /** The assignor of consumers. */
  readonly protocolData: string
  readonly members: readonly {
    readonly memberId: string
    readonly groupInstanceId: string | null
    readonly clientId: string
    readonly clientHost: string
    readonly memberMetadata: Buffer
    readonly memberAssignment: Buffer
  }[]
}

/** Arguments: groups, include authorized operations. */
export const describeGroups = family<[groups: string[], operations: boolean], { groups: DescribedGroup[] }>(
  client.describeGroupsV5,
)

export interface OffsetCommitTopic {
  readonly name: string
  readonly partitions: {
    partitionIndex: number
    committedOffset: bigint
    committedLeaderEpoch: number
    committedMetadata: string | null
  }[]
}

/** Arguments: group, generation, member id, instance id, topics. */
export const offsetCommit = family<
  [
    groupId: string,
    generation: number,
    memberId: string,
    instanceId: string | null,
    topics: OffsetCommitTopic[],
  ],
  { topics: { name: string; partitions: { partitionIndex: number; errorCode: number }[] }[] }
>(client.offsetCommitV9, client.offsetCommitV8)

export interface OffsetFetchGroup {
  readonly groupId: string
  /** For the newer group protocol (KIP-848) only: null and -1. */
  readonly memberId: null
  readonly memberEpoch: -1
  /** Null for all that the group has committed. */
  readonly topics: { name: string; partitionIndexes: number[] }[] | null
}

export interface OffsetFetchAnswer {
  readonly groups: {
    errorCode: number
    topics: {
      name: string
      partitions: {
        partitionIndex: number
        /** -1 where nothing is committed. */
        committedOffset: bigint
        metadata: string | null
        errorCode: number
      }[]
    }[]
  }[]
}

/** Arguments: groups, requireStable (KIP-447: an offset that an open transaction may still change is not told). */
export const offsetFetch = family<[groups: OffsetFetchGroup[], requireStable: boolean], OffsetFetchAnswer>(
  client.offsetFetchV9,
  client.offsetFetchV8,
)
