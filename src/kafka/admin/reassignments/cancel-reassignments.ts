import { Problem } from '../../../problems/problem.ts'
import type { Cluster } from '../../cluster.ts'
import { Deadline } from '../../deadline.ts'
import { isInternalTopic } from '../../../internal-topics.ts'
import { TIMEOUT_MS } from '../timeouts.ts'
import { partitionKey } from '../topic-partitions.ts'
import { alterReassignments } from './alter-reassignments.ts'
import { fits, movingPartitions, type ReassignmentFilter } from './in-progress.ts'
import type { StepResult } from './start-reassignments.ts'

/**
 * Cancels reassignments in progress: the replicas that were being added go, those that were to be removed stay.
 * @returns each partition, from all its replicas now to those it keeps, with what became of it
 * @throws Problem no_reassignment where none fits; kafka_authorization, kafka_unavailable, kafka_auth_failed
 */
export async function cancelReassignments(
  cluster: Cluster,
  filter: ReassignmentFilter,
  dryRun: boolean,
): Promise<StepResult[]> {
  const deadline = new Deadline(TIMEOUT_MS)
  const moving = (await movingPartitions(cluster, deadline)).filter(
    (m) => fits(m, filter) && !isInternalTopic(m.topic),
  )
  if (moving.length === 0) throw new Problem('no_reassignment')
  const refused = dryRun
    ? new Map<string, Problem>()
    : await alterReassignments(
        cluster,
        moving.map(({ topic, partition }) => ({ topic, partition, replicas: null })),
        deadline,
      )
  return moving.map((m): StepResult => {
    const { topic, partition, replicas: from, adding } = m
    const to = from.filter((node) => !adding.includes(node))
    const error = refused.get(partitionKey(m))
    return { topic, partition, from, to, ...(error === undefined ? {} : { error }) }
  })
}
