import type { Cluster } from '../../cluster.ts'
import { Deadline } from '../../deadline.ts'
import { KafkaCode, problemFromKafkaCode } from '../../errors.ts'
import { problemOfCall } from '../../transactions/broker-call.ts'
import { Coordinator } from '../../transactions/coordinator.ts'
import { initProducerId } from '../../wire/apis.ts'
import { TRANSACTION_KEY } from '../../wire/transaction-apis.ts'
import { TIMEOUT_MS } from '../timeouts.ts'
import { describeTransactionalId, type TransactionalIdDescription } from './transactional-ids.ts'
import { isOpen } from './transaction-states.ts'

export interface AbortedTransaction {
  /** As it was found. */
  readonly found: TransactionalIdDescription
  readonly aborted: boolean
}

/** The epoch is not the transactional id's any more: somebody else began, ended or fenced. */
const overtaken = new Set<number>([
  KafkaCode.PRODUCER_FENCED,
  KafkaCode.INVALID_PRODUCER_EPOCH,
  KafkaCode.INVALID_PRODUCER_ID_MAPPING,
])

/**
 * Aborts the transaction that is open under a transactional id, and fences its producer (as Admin.fenceProducers() does,
 * but for the very epoch that was found, so that nobody who comes later is fenced). Where none is open, nothing is done.
 * @param dryRun says what would be aborted, and aborts nothing
 * @throws Problem transactional_id_not_found, kafka_authorization, kafka_unavailable, kafka_auth_failed
 */
export async function abortTransaction(
  cluster: Cluster,
  transactionalId: string,
  dryRun: boolean,
): Promise<AbortedTransaction> {
  const deadline = new Deadline(TIMEOUT_MS)
  for (;;) {
    const found = await describeTransactionalId(cluster, transactionalId, deadline)
    if (!isOpen(found.state) || dryRun) return { found, aborted: isOpen(found.state) }
    const fencing = await fence(cluster, found, deadline)
    if (fencing === 'done') return { found, aborted: true }
    const now = await describeTransactionalId(cluster, transactionalId, deadline)
    const isCommitted = now.state === 'CompleteCommit' || now.state === 'PrepareCommit'
    if (fencing === 'doubt' && !isOpen(now.state)) return { found, aborted: !isCommitted }
  }
}

/** `doubt`: the epoch has been raised, perhaps by an earlier try of ours. */
async function fence(
  cluster: Cluster,
  found: TransactionalIdDescription,
  deadline: Deadline,
): Promise<'done' | 'overtaken' | 'doubt'> {
  const { transactionalId, timeoutMs, producerId, producerEpoch } = found
  const { answer, repeated } = await new Coordinator(cluster, TRANSACTION_KEY, transactionalId)
    .call(
      deadline,
      (connection) =>
        connection.call(initProducerId, transactionalId, timeoutMs, BigInt(producerId), producerEpoch),
      ({ errorCode }) => [errorCode],
    )
    .catch((error: unknown) => {
      throw problemOfCall(error)
    })
  if (answer.errorCode === KafkaCode.NONE) return 'done'
  if (overtaken.has(answer.errorCode)) return repeated ? 'doubt' : 'overtaken'
  throw problemFromKafkaCode(answer.errorCode)
}
