import * as client from '@platformatic/kafka'
import { createAPI, type Reader, Writer } from '@platformatic/kafka'
import type { ApiFamily } from '../broker-connection.ts'
import { family } from './apis.ts'

export interface ListedGroup {
  readonly groupId: string
  /** `consumer` for consumers; '' where only offsets were committed. */
  readonly protocolType: string
  readonly groupState: string
  /** From version 5 on (KIP-848). */
  readonly groupType?: string
}

/**
 * Arguments: states, types; empty lists for all. A broker lists the groups that it coordinates. Version 4 knows states
 * (KIP-518) and takes no types: older brokers have classic groups alone.
 */
export const listGroups = family<
  [states: string[], types: string[]],
  { errorCode: number; groups: ListedGroup[] }
>(client.listGroupsV5, client.listGroupsV4)

export interface TopicAssignment {
  readonly topicName: string
  readonly partitions: number[]
}

/** A group whose coordinator assigns (KIP-848, KIP-932). */
export interface AssignedGroup {
  readonly errorCode: number
  readonly groupState: string
  /** Grows with every change of its members, subscriptions or topics. */
  readonly groupEpoch: number
  readonly assignorName: string
  readonly members: readonly {
    readonly memberId: string
    /** Only consumers have one. */
    readonly instanceId?: string | null
    readonly memberEpoch: number
    readonly clientId: string
    readonly clientHost: string
    readonly subscribedTopicNames: string[]
    readonly subscribedTopicRegex?: string | null
    readonly assignment: { readonly topicPartitions: readonly TopicAssignment[] }
    /** What it is to have, once others have given it up. */
    readonly targetAssignment?: { readonly topicPartitions: readonly TopicAssignment[] }
  }[]
}

/** Arguments: groups, include authorized operations. Of the newer protocol alone (KIP-848). */
export const consumerGroupDescribe = family<
  [groups: string[], operations: boolean],
  { groups: AssignedGroup[] }
>(client.consumerGroupDescribeV0)

const SHARE_GROUP_DESCRIBE = 77

function writeShareDescribe(groups: string[], operations: boolean): Writer {
  return Writer.create()
    .appendArray(groups, (w, group) => w.appendString(group), true, false)
    .appendBoolean(operations)
    .appendTaggedFields()
}

function readShareDescribe(_correlationId: number, _key: number, _version: number, reader: Reader) {
  reader.readInt32() // throttle time
  const groups = reader.readArray((r): AssignedGroup => {
    const errorCode = r.readInt16()
    r.readNullableString()
    r.readString()
    const groupState = r.readString()
    const groupEpoch = r.readInt32()
    r.readInt32() // assignment epoch
    const assignorName = r.readString()
    const members = r.readArray(readShareMember)
    r.readInt32() // authorized operations
    return { errorCode, groupState, groupEpoch, assignorName, members }
  })
  return { groups }
}

function readShareMember(r: Reader): AssignedGroup['members'][number] {
  const memberId = r.readString()
  r.readNullableString() // rack
  const memberEpoch = r.readInt32()
  const clientId = r.readString()
  const clientHost = r.readString()
  const subscribedTopicNames = r.readArray((r) => r.readString(), true, false)
  const topicPartitions = r.readArray((r) => {
    r.readUUID()
    return { topicName: r.readString(), partitions: r.readArray((r) => r.readInt32(), true, false) }
  })
  r.readTaggedFields()
  return {
    memberId,
    memberEpoch,
    clientId,
    clientHost,
    subscribedTopicNames,
    assignment: { topicPartitions },
  }
}

/** Arguments: groups, include authorized operations. Share groups (KIP-932), of Kafka 4.1 and newer. */
export const shareGroupDescribe: ApiFamily<
  [groups: string[], operations: boolean],
  { groups: AssignedGroup[] }
> = {
  key: SHARE_GROUP_DESCRIBE,
  versions: [createAPI(SHARE_GROUP_DESCRIBE, 1, writeShareDescribe, readShareDescribe)],
}

/** Arguments: groups. */
export const deleteGroups = family<[groups: string[]], { results: { errorCode: number }[] }>(
  client.deleteGroupsV2,
)

/** Arguments: group, topics (KIP-496). A partition that has no offset is answered as if it had been deleted. */
export const offsetDelete = family<
  [groupId: string, topics: { name: string; partitions: { partitionIndex: number }[] }[]],
  {
    errorCode: number
    topics: { name: string; partitions: { partitionIndex: number; errorCode: number }[] }[]
  }
>(client.offsetDeleteV0)
