import type { ApiFamily } from '../broker-connection.ts'
import { describeAcls } from '../wire/acl-apis.ts'
import { initProducerId, listOffsets, metadata } from '../wire/apis.ts'
import {
  type ApiVersionsAnswer,
  describeCluster,
  describeLogDirs,
  describeQuorum,
} from '../wire/cluster-apis.ts'
import { describeConfigs, incrementalAlterConfigs } from '../wire/config-apis.ts'
import { fetch } from '../wire/fetch.ts'
import {
  describeGroups,
  findCoordinator,
  heartbeat,
  joinGroup,
  leaveGroup,
  offsetCommit,
  offsetFetch,
  syncGroup,
} from '../wire/group-apis.ts'
import { deleteGroups, listGroups, offsetDelete } from '../wire/group-admin-apis.ts'
import { produce } from '../wire/produce.ts'
import { alterQuotas, describeQuotas } from '../wire/quota-apis.ts'
import {
  alterPartitionReassignments,
  electLeaders,
  listPartitionReassignments,
} from '../wire/reassignment-apis.ts'
import { createPartitions, createTopics, deleteRecords, deleteTopics } from '../wire/topic-apis.ts'
import { listTransactions } from '../wire/transaction-admin-apis.ts'
import {
  addOffsetsToTxn,
  addPartitionsToTxn,
  describeTransactions,
  endTxn,
  txnOffsetCommit,
} from '../wire/transaction-apis.ts'
import { alterUsers, describeUsers } from '../wire/user-apis.ts'

type AnyFamily = Pick<ApiFamily<never, unknown>, 'key'> & {
  readonly versions: readonly { readonly version: number }[]
}

/** What a gateway is for: a broker that lacks any of these serves too little. */
const essential: Readonly<Record<string, readonly AnyFamily[]>> = {
  metadata: [metadata, describeCluster],
  producing: [produce, initProducerId],
  reading: [fetch, listOffsets],
  groups: [findCoordinator, joinGroup, syncGroup, heartbeat, leaveGroup, offsetCommit, offsetFetch],
}

/** The rest, each of which can be done without. */
const optional: Readonly<Record<string, readonly AnyFamily[]>> = {
  transactions: [addPartitionsToTxn, addOffsetsToTxn, txnOffsetCommit, endTxn, describeTransactions],
  'topics and their configs': [
    createTopics,
    deleteTopics,
    createPartitions,
    deleteRecords,
    describeConfigs,
    incrementalAlterConfigs,
  ],
  'group administration': [listGroups, describeGroups, deleteGroups, offsetDelete],
  brokers: [
    describeQuorum,
    describeLogDirs,
    alterPartitionReassignments,
    listPartitionReassignments,
    electLeaders,
  ],
  'ACLs, quotas and users': [describeAcls, describeQuotas, alterQuotas, describeUsers, alterUsers],
  'lists of transactions': [listTransactions],
}

/** What a broker cannot do for the gateway, in words. */
export interface Lacking {
  readonly essential: readonly string[]
  readonly optional: readonly string[]
}

export function lackingIn(answer: Pick<ApiVersionsAnswer, 'apiKeys'>): Lacking {
  const spoken = new Map(answer.apiKeys.map((api) => [api.apiKey, api]))
  const speaks = ({ key, versions }: AnyFamily) => {
    const range = spoken.get(key)
    return (
      range !== undefined &&
      versions.some(({ version }) => version >= range.minVersion && version <= range.maxVersion)
    )
  }
  const lacking = (features: Readonly<Record<string, readonly AnyFamily[]>>) =>
    Object.entries(features)
      .filter(([, families]) => !families.every(speaks))
      .map(([feature]) => feature)
  return { essential: lacking(essential), optional: lacking(optional) }
}
