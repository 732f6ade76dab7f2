import { Problem } from '../../../problems/problem.ts'
import type { Cluster } from '../../cluster.ts'
import { Deadline } from '../../deadline.ts'
import { writeAbortMarker } from '../../wire/transaction-admin-apis.ts'
import { TIMEOUT_MS } from '../timeouts.ts'
import { type OpenTransaction, withoutCoordinator } from './hanging-transactions.ts'
import { askLeader, partitionProducers } from './partition-producers.ts'

/** Which transaction of a partition is meant. */
export interface HangingKey {
  readonly topic: string
  readonly partition: number
  readonly producerId: number
  /** Any where left out. */
  readonly producerEpoch?: number | undefined
}

/** What a coordinator that no one knows of has for an epoch (Kafka's `TransactionsCommand`). */
const NO_COORDINATOR_EPOCH = 0

/**
 * Ends a transaction that hangs in one partition as aborted, by the marker that its coordinator would have written.
 * @param dryRun says which it would be, and writes nothing
 * @returns the transaction as it was found
 * @throws Problem no_open_transaction, transaction_not_hanging, topic_not_found, partition_not_found,
 *   kafka_authorization, kafka_unavailable, kafka_auth_failed
 */
export async function abortHanging(
  cluster: Cluster,
  key: HangingKey,
  dryRun: boolean,
): Promise<OpenTransaction> {
  const deadline = new Deadline(TIMEOUT_MS)
  const open = await findOpen(cluster, key, deadline)
  const hanging = await withoutCoordinator(cluster, [open], deadline)
  if (hanging.length === 0) {
    throw new Problem('transaction_not_hanging', {
      detail: `A coordinator knows the transaction of producer ${key.producerId} in this partition, and ends it in time.`,
    })
  }
  if (dryRun) return open
  const { topic, partition } = key
  const { producerId, producerEpoch, coordinatorEpoch } = open.producer
  const marker = {
    producerId: BigInt(producerId),
    producerEpoch,
    coordinatorEpoch: coordinatorEpoch ?? NO_COORDINATOR_EPOCH,
    topic,
    partition,
  }
  // A second marker of the same epoch, after an answer that was lost, changes nothing.
  await askLeader(cluster, topic, partition, deadline, (connection) =>
    connection.call(writeAbortMarker, marker),
  )
  return open
}

/** @throws Problem no_open_transaction, and as partitionProducers() */
async function findOpen(cluster: Cluster, key: HangingKey, deadline: Deadline): Promise<OpenTransaction> {
  const { topic, partition, producerId, producerEpoch } = key
  const producers = await partitionProducers(cluster, topic, partition, deadline)
  const producer = producers.find(
    (producer) =>
      producer.producerId === producerId &&
      producer.transactionStartOffset !== null &&
      (producerEpoch === undefined || producer.producerEpoch === producerEpoch),
  )
  if (producer === undefined) {
    const epoch = producerEpoch === undefined ? '' : ` with epoch ${producerEpoch}`
    const detail = `Producer ${producerId}${epoch} has no transaction open in partition ${partition} of ${topic}.`
    throw new Problem('no_open_transaction', { detail })
  }
  return { topic, partition, producer }
}
