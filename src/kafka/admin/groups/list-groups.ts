import { isInternalGroup } from '../../../internal-groups.ts'
import { Problem } from '../../../problems/problem.ts'
import type { BrokerConnection } from '../../broker-connection.ts'
import type { Cluster } from '../../cluster.ts'
import { Deadline } from '../../deadline.ts'
import { KafkaCode, problemFromKafkaCode } from '../../errors.ts'
import { listGroups as listGroupsApi, type ListedGroup } from '../../wire/group-admin-apis.ts'
import { SETTLE_MS } from '../timeouts.ts'
import { askBrokers } from '../broker-answers.ts'
import type { GroupState, GroupType } from './describe-group.ts'

export interface GroupSummary {
  readonly group: string
  readonly state: GroupState
  readonly type: GroupType
  readonly protocolType: string
}

export interface GroupList {
  /** By name. */
  readonly groups: readonly GroupSummary[]
  /** Node ids of brokers whose groups are missing: they did not answer in time. */
  readonly unanswered: readonly number[]
}

/** States and types to show; all where empty. */
export interface GroupFilter {
  readonly states: readonly GroupState[]
  readonly types: readonly GroupType[]
}

const RETRY_MS = 100

/** These pass: the broker is starting. */
const passing = new Set<number>([
  KafkaCode.COORDINATOR_LOAD_IN_PROGRESS,
  KafkaCode.COORDINATOR_NOT_AVAILABLE,
  KafkaCode.NOT_COORDINATOR,
])

/**
 * The groups that the gateway may see, as every broker has those that it coordinates.
 * @throws Problem kafka_unavailable where no broker answers; kafka_auth_failed
 */
export async function listGroups(cluster: Cluster, filter: GroupFilter): Promise<GroupList> {
  const deadline = new Deadline(SETTLE_MS)
  await deadline.within(cluster.ping())
  const nodes = [...cluster.brokers.keys()]
  const { answers, unanswered } = await askBrokers(cluster, nodes, deadline, (connection) =>
    groupsOf(connection, filter, deadline),
  )
  if (answers.size === 0) {
    throw new Problem('kafka_unavailable', { detail: 'No broker listed its groups in time.' })
  }
  // Of a group that has just moved two brokers may tell.
  const groups = new Map<string, GroupSummary>()
  for (const listed of [...answers.values()].flat()) {
    if (isInternalGroup(listed.groupId)) continue
    const summary = toSummary(listed)
    if (filter.states.length > 0 && !filter.states.includes(summary.state)) continue
    if (filter.types.length > 0 && !filter.types.includes(summary.type)) continue
    groups.set(summary.group, summary)
  }
  return { groups: [...groups.values()].sort((a, b) => (a.group < b.group ? -1 : 1)), unanswered }
}

/** @throws Problem; the client's connection errors */
async function groupsOf(
  connection: BrokerConnection,
  { states, types }: GroupFilter,
  deadline: Deadline,
): Promise<readonly ListedGroup[]> {
  for (;;) {
    const { errorCode, groups } = await connection.call(listGroupsApi, [...states], [...types])
    if (errorCode === KafkaCode.NONE) return groups
    if (!passing.has(errorCode) || deadline.passed) throw problemFromKafkaCode(errorCode)
    await deadline.pause(RETRY_MS)
  }
}

function toSummary({ groupId, groupState, groupType, protocolType }: ListedGroup): GroupSummary {
  return {
    group: groupId,
    state: groupState as GroupState,
    // A broker too old to say has no others.
    type: groupType === undefined || groupType === '' ? 'classic' : (groupType as GroupType),
    protocolType,
  }
}
