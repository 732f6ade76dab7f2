import { z } from 'zod'
import type { StepResult } from '../../kafka/admin/reassignments/start-reassignments.ts'
import { NodeId } from '../cluster/node-id.ts'
import { whole } from '../parameters.ts'
import { ItemError, type ItemResult } from '../results.ts'
import { TopicName } from '../route.ts'

export const PartitionNumber = z.int().min(0).max(0x7fffffff)
export const Replicas = z.array(NodeId).describe('Node ids, the preferred leader first.')

/** `topic` and `partition` of a query that says which reassignments are meant. */
export const filterMembers = {
  topic: TopicName.optional().describe('Only those of this topic.'),
  partition: whole(0, 0x7fffffff).optional().describe('Only those of this partition.'),
}

/** One partition, where its replicas are and shall be. */
export const Step = z
  .strictObject({
    topic: z.string(),
    partition: PartitionNumber,
    from: Replicas,
    to: Replicas,
    error: ItemError,
  })
  .meta({ id: 'ReassignmentStep', example: { topic: 'orders', partition: 0, from: [1, 2], to: [3, 2] } })

export function toItems(steps: readonly StepResult[]): ItemResult[] {
  return steps.map(({ topic, partition, from, to, error }) => {
    const document: z.input<typeof Step> = { topic, partition, from: [...from], to: [...to] }
    return { document, problem: error }
  })
}
