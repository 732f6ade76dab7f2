import type { Cluster } from '../cluster.ts'
import type { Deadline } from '../deadline.ts'
import { KafkaCode, problemFromKafka } from '../errors.ts'
import { ID_PREFIX } from '../transactions/transaction-key.ts'
import { BROKER_ENDPOINTS, describeCluster } from '../wire/cluster-apis.ts'
import { heartbeat } from '../wire/group-apis.ts'
import { describeTransactions } from '../wire/transaction-apis.ts'
import { type KafkaOperation, operationsIn } from './operations.ts'

/** A member, and a transaction, that there is not. */
const NOBODY = 'doctor'

/**
 * What the gateway may do with the cluster as a whole; undefined where Kafka does not say.
 * @throws Problem kafka_unavailable, kafka_auth_failed
 */
export async function clusterRights(
  cluster: Cluster,
  deadline: Deadline,
): Promise<ReadonlySet<KafkaOperation> | undefined> {
  const call = cluster.callAny((connection) =>
    connection.call(describeCluster, true, BROKER_ENDPOINTS, false),
  )
  const answer = await inTime(call, deadline)
  return answer.errorCode === KafkaCode.NONE ? operationsIn(answer.clusterAuthorizedOperations) : undefined
}

/**
 * Whether it may be a member of a group of this name, whether there is one or not. What a member that nobody has heard of
 * says changes nothing, and any broker refuses it who may not speak; to look for the group's coordinator instead could
 * make Kafka's topic of offsets.
 * @throws Problem kafka_unavailable, kafka_auth_failed
 */
export async function mayReadGroup(cluster: Cluster, group: string, deadline: Deadline): Promise<boolean> {
  const call = cluster.callAny((connection) => connection.call(heartbeat, group, 0, NOBODY, null))
  return (await inTime(call, deadline)).errorCode !== KafkaCode.GROUP_AUTHORIZATION_FAILED
}

/**
 * Whether it may see a transaction with an id of its own; whether it may write one, Kafka does not tell without one being
 * made. Any broker says so, as with groups.
 * @throws Problem kafka_unavailable, kafka_auth_failed
 */
export async function mayDescribeTransactions(cluster: Cluster, deadline: Deadline): Promise<boolean> {
  const call = cluster.callAny((connection) =>
    connection.call(describeTransactions, [`${ID_PREFIX}${NOBODY}`]),
  )
  const { transactionStates } = await inTime(call, deadline)
  return transactionStates[0]?.errorCode !== KafkaCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED
}

async function inTime<T>(call: Promise<T>, deadline: Deadline): Promise<T> {
  return deadline.within(call).catch((error: unknown) => {
    throw problemFromKafka(error)
  })
}
