import type { Cluster } from '../cluster.ts'
import type { Deadline } from '../deadline.ts'
import { KafkaCode, problemFromKafka } from '../errors.ts'
import { ID_PREFIX } from '../transactions/transaction-key.ts'
import { BROKER_ENDPOINTS, describeCluster } from '../wire/cluster-apis.ts'
import { describeGroups, findCoordinator, GROUP_KEY } from '../wire/group-apis.ts'
import { TRANSACTION_KEY } from '../wire/transaction-apis.ts'
import { type KafkaOperation, operationsIn } from './operations.ts'

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
 * What it may do with a group of this name, whether there is one or not. Nothing is made by asking where Kafka has its
 * topic of offsets already; where it has not, asking makes it, so don't.
 * @throws Problem kafka_unavailable, kafka_auth_failed
 */
export async function groupRights(
  cluster: Cluster,
  group: string,
  deadline: Deadline,
): Promise<ReadonlySet<KafkaOperation> | undefined> {
  const found = await inTime(
    cluster.callAny((connection) => connection.call(findCoordinator, GROUP_KEY, [group])),
    deadline,
  )
  const { errorCode, nodeId } = found.coordinators[0]!
  if (errorCode === KafkaCode.GROUP_AUTHORIZATION_FAILED) return new Set()
  if (errorCode !== KafkaCode.NONE) return undefined
  const describe = async () => (await cluster.control(nodeId)).call(describeGroups, [group], true)
  const { groups } = await inTime(describe(), deadline)
  const [described] = groups
  if (described?.errorCode === KafkaCode.GROUP_AUTHORIZATION_FAILED) return new Set()
  return described?.errorCode === KafkaCode.NONE ? operationsIn(described.authorizedOperations) : undefined
}

/**
 * Whether it may look for a transaction with an id of its own; of these ids Kafka tells no more without one being used.
 * Undefined where Kafka can't say now. As with groups, don't ask where Kafka has no topic of transactions.
 * @throws Problem kafka_unavailable, kafka_auth_failed
 */
export async function mayFindTransactions(
  cluster: Cluster,
  deadline: Deadline,
): Promise<boolean | undefined> {
  const ask = cluster.callAny((connection) =>
    connection.call(findCoordinator, TRANSACTION_KEY, [`${ID_PREFIX}doctor`]),
  )
  const { errorCode } = (await inTime(ask, deadline)).coordinators[0]!
  if (errorCode === KafkaCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED) return false
  return errorCode === KafkaCode.NONE ? true : undefined
}

async function inTime<T>(call: Promise<T>, deadline: Deadline): Promise<T> {
  return deadline.within(call).catch((error: unknown) => {
    throw problemFromKafka(error)
  })
}
