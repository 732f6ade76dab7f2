import { Problem } from '../../../problems/problem.ts'
import type { BrokerConnection } from '../../broker-connection.ts'
import type { Cluster } from '../../cluster.ts'
import { Deadline } from '../../deadline.ts'
import {
  isConnectionError,
  KafkaCode,
  kafkaErrorName,
  problemFromKafka,
  problemFromKafkaCode,
} from '../../errors.ts'
import { describeProducers, type WireProducer } from '../../wire/transaction-admin-apis.ts'
import { POLL_MS, TIMEOUT_MS } from '../timeouts.ts'

/** A producer whose last records, or open transaction, a partition's leader remembers. */
export interface PartitionProducer {
  readonly producerId: number
  readonly producerEpoch: number
  /** Null where it has written nothing that Kafka still remembers. */
  readonly lastSequence: number | null
  /** Ms since the epoch, of its last record. */
  readonly lastTimestamp: number | null
  /** Of the coordinator that ended its last transaction here; null where none did. */
  readonly coordinatorEpoch: number | null
  /** Of the first record of its open transaction; null where none is open. */
  readonly transactionStartOffset: number | null
}

/**
 * The producers of one partition, by id.
 * @throws Problem topic_not_found, partition_not_found, kafka_authorization, kafka_unavailable, kafka_auth_failed
 */
export async function partitionProducers(
  cluster: Cluster,
  topic: string,
  partition: number,
  deadline: Deadline = new Deadline(TIMEOUT_MS),
): Promise<PartitionProducer[]> {
  const { activeProducers } = await askLeader(cluster, topic, partition, deadline, async (connection) => {
    const answer = await connection.call(describeProducers, [{ name: topic, partitionIndexes: [partition] }])
    return answer.topics[0]!.partitions[0]!
  })
  return activeProducers.map(toPartitionProducer).sort((a, b) => a.producerId - b.producerId)
}

export function toPartitionProducer(producer: WireProducer): PartitionProducer {
  return {
    producerId: Number(producer.producerId),
    producerEpoch: producer.producerEpoch,
    lastSequence: orNull(producer.lastSequence),
    lastTimestamp: orNull(Number(producer.lastTimestamp)),
    coordinatorEpoch: orNull(producer.coordinatorEpoch),
    transactionStartOffset: orNull(Number(producer.currentTxnStartOffset)),
  }
}

function orNull(value: number): number | null {
  return value < 0 ? null : value
}

/** The leader is elsewhere, or not there yet: the next one is asked. */
const moved = new Set<number>([
  KafkaCode.UNKNOWN_TOPIC_OR_PARTITION,
  KafkaCode.LEADER_NOT_AVAILABLE,
  KafkaCode.NOT_LEADER_OR_FOLLOWER,
  KafkaCode.REPLICA_NOT_AVAILABLE,
  KafkaCode.REQUEST_TIMED_OUT,
  KafkaCode.KAFKA_STORAGE_ERROR,
])

/**
 * Asks the leader of a partition until it answers; the call must be safe to make twice.
 * @throws Problem topic_not_found, partition_not_found, kafka_authorization, kafka_unavailable, kafka_auth_failed
 */
export async function askLeader<T extends { readonly errorCode: number }>(
  cluster: Cluster,
  topic: string,
  partition: number,
  deadline: Deadline,
  call: (connection: BrokerConnection) => Promise<T>,
): Promise<T> {
  let cause: unknown
  while (!deadline.passed) {
    const info = await deadline.within(cluster.refreshTopic(topic))
    if (info === undefined) throw new Problem('topic_not_found', { detail: `There is no topic ${topic}.` })
    const leader = info.partitions[partition]?.leader
    if (leader === undefined) {
      throw new Problem('partition_not_found', {
        detail: `The topic ${topic} has ${info.partitions.length} partitions, from 0 on.`,
      })
    }
    try {
      const connection = await deadline.within(cluster.control(leader))
      const answer = await deadline.within(call(connection))
      if (!moved.has(answer.errorCode)) {
        if (answer.errorCode === KafkaCode.NONE) return answer
        throw problemFromKafkaCode(answer.errorCode)
      }
      cause = kafkaErrorName(answer.errorCode)
    } catch (error) {
      const problem = problemFromKafka(error)
      if (problem.code !== 'kafka_unavailable' && !isConnectionError(error)) throw problem
      cause = error
    }
    await deadline.pause(POLL_MS)
  }
  throw new Problem('kafka_unavailable', { detail: "The partition's leader does not answer.", cause })
}
