import type { Cluster } from '../../cluster.ts'
import { Deadline } from '../../deadline.ts'
import { KafkaCode } from '../../errors.ts'
import { deleteGroups } from '../../wire/group-admin-apis.ts'
import { TIMEOUT_MS } from '../timeouts.ts'
import { type Committed, committedOffsets } from './committed.ts'
import { describeGroup } from './describe-group.ts'
import { callGroup, groupProblem } from './group-call.ts'
import { refuseActiveGroup, refuseInternalGroup } from './refusals.ts'

/**
 * Deletes a group with all that it has committed.
 * @param dryRun only look whether it could be
 * @returns what it had committed
 * @throws Problem group_not_found, group_active, kafka_authorization, kafka_unavailable, kafka_auth_failed
 */
export async function deleteGroup(cluster: Cluster, group: string, dryRun: boolean): Promise<Committed[]> {
  refuseInternalGroup(group)
  const deadline = new Deadline(TIMEOUT_MS)
  const [description, committed] = await Promise.all([
    describeGroup(cluster, group, deadline),
    committedOffsets(cluster, group, deadline),
  ])
  refuseActiveGroup(description)
  if (dryRun) return committed
  const { answer, repeated } = await callGroup(
    cluster,
    group,
    deadline,
    (connection) => connection.call(deleteGroups, [group]),
    ({ results }) => results.map(({ errorCode }) => errorCode),
  )
  const code = answer.results[0]?.errorCode ?? KafkaCode.NONE
  // A try whose answer was lost has deleted it.
  const gone = repeated && code === KafkaCode.GROUP_ID_NOT_FOUND
  if (code !== KafkaCode.NONE && !gone) throw groupProblem(code, group)
  return committed
}
