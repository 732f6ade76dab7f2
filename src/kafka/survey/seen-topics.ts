import type { Cluster, PartitionInfo } from '../cluster.ts'
import type { Deadline } from '../deadline.ts'
import { KafkaCode, problemFromKafka } from '../errors.ts'
import { metadata } from '../wire/apis.ts'
import { type KafkaOperation, operationsIn } from './operations.ts'

/** A topic, and what the gateway may do with it. */
export interface SeenTopic {
  readonly name: string
  readonly internal: boolean
  readonly partitions: readonly Pick<PartitionInfo, 'partition' | 'leader' | 'replicas' | 'isr'>[]
  /** Undefined where Kafka does not say. */
  readonly operations: ReadonlySet<KafkaOperation> | undefined
}

/**
 * Every topic that the gateway may see.
 * @throws Problem kafka_unavailable, kafka_auth_failed
 */
export async function seenTopics(cluster: Cluster, deadline: Deadline): Promise<SeenTopic[]> {
  const call = cluster.callAny((connection) => connection.call(metadata, null, false, true))
  const { topics } = await deadline.within(call).catch((error: unknown) => {
    throw problemFromKafka(error)
  })
  return topics
    .filter(
      ({ errorCode, name }) =>
        name !== null && (errorCode === KafkaCode.NONE || errorCode === KafkaCode.LEADER_NOT_AVAILABLE),
    )
    .map(({ name, isInternal: internal, partitions, topicAuthorizedOperations }) => ({
      name: name!,
      internal,
      partitions: partitions.map(({ partitionIndex, leaderId, replicaNodes, isrNodes }) => ({
        partition: partitionIndex,
        leader: leaderId,
        replicas: replicaNodes,
        isr: isrNodes,
      })),
      operations: operationsIn(topicAuthorizedOperations),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}
