import { Problem } from '../../../problems/problem.ts'
import type { Cluster } from '../../cluster.ts'
import type { Deadline } from '../../deadline.ts'
import { KafkaCode, problemFromKafkaCode } from '../../errors.ts'
import { alterPartitionReassignments } from '../../wire/reassignment-apis.ts'
import { changeCluster } from '../controller-call.ts'
import { byTopic, partitionKey, type PartitionName } from '../topic-partitions.ts'

export interface ReplicasWanted extends PartitionName {
  /** Null to cancel. */
  readonly replicas: readonly number[] | null
}

/**
 * Has the controller start or cancel reassignments: all of one request at once, though it may refuse some.
 * @returns what became of those that it refused, by partitionKey()
 * @throws Problem kafka_authorization, kafka_unavailable, kafka_auth_failed: nothing was done, or nobody knows
 */
export async function alterReassignments(
  cluster: Cluster,
  wanted: readonly ReplicasWanted[],
  deadline: Deadline,
): Promise<Map<string, Problem>> {
  const topics = byTopic(wanted).map(([name, of]) => ({
    name,
    partitions: of.map(({ partition: partitionIndex, replicas }) => ({ partitionIndex, replicas })),
  }))
  const { answer, repeated } = await changeCluster(cluster, deadline, (connection, timeoutMs) =>
    connection.call(alterPartitionReassignments, timeoutMs, true, topics),
  )
  if (answer.errorCode !== KafkaCode.NONE) {
    throw problemFromKafkaCode(answer.errorCode, undefined, answer.errorMessage)
  }
  const refused = new Map<string, Problem>()
  for (const { name: topic, partitions } of answer.responses) {
    for (const { partitionIndex: partition, errorCode, errorMessage } of partitions) {
      // A try whose answer was lost has cancelled it.
      const done = repeated && errorCode === KafkaCode.NO_REASSIGNMENT_IN_PROGRESS
      if (errorCode === KafkaCode.NONE || done) continue
      refused.set(partitionKey({ topic, partition }), problemOf(errorCode, errorMessage))
    }
  }
  return refused
}

function problemOf(errorCode: number, cause: string | null): Problem {
  const isPlace =
    errorCode === KafkaCode.INVALID_REPLICA_ASSIGNMENT || errorCode === KafkaCode.INVALID_REPLICATION_FACTOR
  return isPlace
    ? new Problem('invalid_assignment', { cause })
    : problemFromKafkaCode(errorCode, undefined, cause)
}
