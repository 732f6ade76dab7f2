import { Problem } from '../../problems/problem.ts'
import type { Cluster } from '../cluster.ts'
import type { Deadline } from '../deadline.ts'
import { KafkaCode, kafkaErrorName, problemFromKafka } from '../errors.ts'
import { initProducerId } from '../wire/apis.ts'
import { backoffMs } from '../writer/backoff.ts'
import type { ProducerIdentity } from '../writer/producer-ids.ts'

const MAX_BACKOFF_MS = 500

/**
 * A producer id that nobody has had before (KIP-98).
 * @throws Problem kafka_unavailable at the deadline; kafka_authorization; kafka_auth_failed
 */
export async function newProducerId(cluster: Cluster, deadline: Deadline): Promise<ProducerIdentity> {
  for (let failures = 0; ; failures++) {
    let problem: Problem
    try {
      const asking = cluster.callAny((connection) => connection.call(initProducerId, null, 0, -1n, -1))
      const { errorCode, producerId, producerEpoch } = await deadline.within(asking)
      if (errorCode === KafkaCode.NONE) return { producerId, producerEpoch }
      // Just after a broker starts it answers COORDINATOR_LOAD_IN_PROGRESS for a moment.
      const refused = errorCode === KafkaCode.CLUSTER_AUTHORIZATION_FAILED
      const code = refused ? 'kafka_authorization' : 'kafka_unavailable'
      problem = new Problem(code, { cause: kafkaErrorName(errorCode) })
    } catch (error) {
      problem = problemFromKafka(error)
    }
    const pause = backoffMs(failures, MAX_BACKOFF_MS)
    if (problem.code !== 'kafka_unavailable' || deadline.left <= pause) throw problem
    await deadline.pause(pause)
  }
}
