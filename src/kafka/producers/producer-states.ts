import { Problem } from '../../problems/problem.ts'
import type { Cluster } from '../cluster.ts'
import type { Deadline } from '../deadline.ts'
import { isConnectionError, KafkaCode, problemFromKafka, problemFromKafkaCode } from '../errors.ts'
import { type ActiveProducer, describeProducers } from '../wire/producer-apis.ts'
import type { ProducerIdentity } from '../writer/producer-ids.ts'
import type { ProducerExpiration } from './expiration.ts'
import { PartitionLeader, type PartitionTarget } from './partition-leader.ts'

/** What the leader of a partition knows of one producer. */
export interface ProducerState {
  /** Undefined where it knows nothing of it. */
  readonly known: ActiveProducer | undefined
  /** How long it remembers a producer, ms. */
  readonly expirationMs: number
}

const refused = new Set<number>([
  KafkaCode.TOPIC_AUTHORIZATION_FAILED,
  KafkaCode.CLUSTER_AUTHORIZATION_FAILED,
])

/**
 * Asks the leader, and again where leadership moves, until it answers.
 * @throws Problem kafka_unavailable at the deadline; kafka_authorization; as PartitionLeader.now
 */
export async function askProducerState(
  cluster: Cluster,
  expiration: ProducerExpiration,
  target: PartitionTarget,
  { producerId, producerEpoch }: ProducerIdentity,
  deadline: Deadline,
): Promise<ProducerState> {
  const leader = new PartitionLeader(cluster, target, deadline)
  let problem: Problem
  do {
    const nodeId = await leader.now()
    try {
      const expirationMs = await expiration.of(nodeId, deadline)
      const connection = await deadline.within(cluster.control(nodeId))
      const call = connection.call(describeProducers, target.topic, target.partition)
      const { errorCode, producers } = await deadline.within(call)
      if (errorCode === KafkaCode.NONE) {
        const isThisOne = (p: ActiveProducer) =>
          p.producerId === producerId && p.producerEpoch === producerEpoch
        return { known: producers.find(isThisOne), expirationMs }
      }
      if (refused.has(errorCode)) throw mayNotAsk()
      problem = problemFromKafkaCode(errorCode)
    } catch (error) {
      problem = problemFromKafka(error)
      if (problem.code !== 'kafka_unavailable' && !isConnectionError(error)) throw problem
    }
  } while (await leader.again())
  if (problem.code === 'topic_not_found')
    throw new Problem('kafka_unavailable', { cause: problem.options.cause })
  throw problem
}

function mayNotAsk(): Problem {
  const detail = 'To ask what a producer has written, the gateway needs the Kafka ACL Read on the topic.'
  return new Problem('kafka_authorization', { detail })
}
