import { Problem } from '../../problems/problem.ts'
import type { Cluster } from '../cluster.ts'
import type { Deadline } from '../deadline.ts'
import { KafkaCode, problemFromKafkaCode } from '../errors.ts'
import { describeTransactions, TRANSACTION_KEY } from '../wire/transaction-apis.ts'
import { problemOfCall } from './broker-call.ts'
import { Coordinator } from './coordinator.ts'
import { nameOfId, recall } from './memory.ts'
import { parseKey, stateOfKey, type TransactionKey } from './transaction-key.ts'
import type { TransactionState } from './types.ts'

/** What became of a transaction, by the text that an answer named it with. @throws Problem */
export async function stateOfTransaction(
  cluster: Cluster,
  text: string,
  deadline: Deadline,
): Promise<TransactionState> {
  const key = parseKey(text)
  if (key === undefined) throw new Problem('transaction_not_found')
  return key.ended ?? askKafka(cluster, key, deadline)
}

/** What Kafka's coordinator says of a transaction. @throws Problem */
export async function askKafka(
  cluster: Cluster,
  key: TransactionKey,
  deadline: Deadline,
): Promise<'committed' | 'aborted' | 'ongoing'> {
  const told = await describeTransaction(cluster, key.transactionalId, deadline)
  if (told === undefined) throw new Problem('transaction_not_found')
  return stateOfKey(key, told)
}

/** What became of the transaction that a client gave an id. @throws Problem */
export async function stateOfId(cluster: Cluster, id: string, deadline: Deadline): Promise<TransactionState> {
  const told = await describeTransaction(cluster, nameOfId(id), deadline)
  switch (told?.transactionState) {
    case 'PrepareCommit':
    case 'CompleteCommit':
      return 'committed'
    case 'Ongoing':
    case 'PrepareAbort':
    case 'PrepareEpochFence':
      return 'ongoing'
    default:
      // A request that comes again takes the coordinator's memory of the commit away, and leaves that of the group.
      if ((await recall(cluster, id, deadline)) !== undefined) return 'committed'
      if (told === undefined) throw new Problem('transaction_not_found')
      return 'notCommitted'
  }
}

/** The coordinator's state of a transactional id, and which broker that is; undefined where it knows none. @throws Problem */
export async function describeTransaction(cluster: Cluster, transactionalId: string, deadline: Deadline) {
  const coordinator = new Coordinator(cluster, TRANSACTION_KEY, transactionalId)
  const { answer } = await coordinator
    .call(
      deadline,
      (connection) => connection.call(describeTransactions, [transactionalId]),
      ({ transactionStates }) => transactionStates.map(({ errorCode }) => errorCode),
    )
    .catch((error: unknown) => {
      throw problemOfCall(error)
    })
  const told = answer.transactionStates[0]
  if (told === undefined || told.errorCode === KafkaCode.TRANSACTIONAL_ID_NOT_FOUND) return undefined
  if (told.errorCode !== KafkaCode.NONE) throw problemFromKafkaCode(told.errorCode)
  return { ...told, coordinator: coordinator.node ?? -1 }
}
