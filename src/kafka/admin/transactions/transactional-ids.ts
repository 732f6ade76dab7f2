import { Problem } from '../../../problems/problem.ts'
import type { Cluster } from '../../cluster.ts'
import { Deadline } from '../../deadline.ts'
import { KafkaCode, problemFromKafkaCode, UnsupportedApiError } from '../../errors.ts'
import { describeTransaction } from '../../transactions/state.ts'
import { ID_PREFIX } from '../../transactions/transaction-key.ts'
import {
  listLongTransactions,
  listTransactions,
  type ListTransactionsAnswer,
} from '../../wire/transaction-admin-apis.ts'
import { askBrokers } from '../broker-answers.ts'
import { POLL_MS, SETTLE_MS, TIMEOUT_MS } from '../timeouts.ts'
import { toState, type TransactionState, underWay } from './transaction-states.ts'

export interface TransactionalId {
  readonly transactionalId: string
  readonly state: TransactionState
  readonly producerId: number
  /** Node id of the broker that keeps it. */
  readonly coordinator: number
  /** Whether it is one of the gateways' own. */
  readonly gateway: boolean
}

export interface TransactionalIdDescription extends TransactionalId {
  readonly producerEpoch: number
  /** After which Kafka aborts a transaction, ms. */
  readonly timeoutMs: number
  /** Of the transaction that is open, ms since the epoch; null where none is. */
  readonly startTimestamp: number | null
  /** Those that the open transaction has written to. */
  readonly partitions: readonly { topic: string; partition: number }[]
}

/** What is left out may be anything. */
export interface TransactionFilter {
  readonly states?: readonly TransactionState[] | undefined
  readonly producerIds?: readonly number[] | undefined
  /** How long its transaction has been open at least, ms: of those under way, unless states are given. */
  readonly longerThanMs?: number | undefined
  readonly prefix?: string | undefined
}

/** A coordinator that has just come to be one answers in a moment. */
const loading = new Set<number>([
  KafkaCode.COORDINATOR_LOAD_IN_PROGRESS,
  KafkaCode.COORDINATOR_NOT_AVAILABLE,
  KafkaCode.NOT_COORDINATOR,
])

/**
 * The transactional ids that fit, sorted, with the brokers that did not say which they keep.
 * @throws Problem invalid_parameter, kafka_unavailable, kafka_auth_failed
 */
export async function listTransactionalIds(
  cluster: Cluster,
  filter: TransactionFilter,
): Promise<{ transactionalIds: TransactionalId[]; unanswered: readonly number[] }> {
  const { producerIds = [], longerThanMs, prefix = '' } = filter
  // Kafka remembers when a transaction began that has ended since.
  const { states = longerThanMs === undefined ? [] : underWay } = filter
  await new Deadline(TIMEOUT_MS).within(cluster.ping())
  const settle = new Deadline(SETTLE_MS)
  const family = longerThanMs === undefined ? listTransactions : listLongTransactions
  const longer = BigInt(longerThanMs ?? -1)
  const { answers, unanswered } = await askBrokers(
    cluster,
    cluster.brokers.keys(),
    settle,
    async (connection): Promise<ListTransactionsAnswer> => {
      for (;;) {
        const ids = producerIds.map(BigInt)
        const answer = await connection.call(family, [...states], ids, longer, null).catch(tooOld)
        if (answer.errorCode === KafkaCode.NONE) return answer
        if (!loading.has(answer.errorCode)) throw problemFromKafkaCode(answer.errorCode)
        await settle.pause(POLL_MS)
      }
    },
  )
  // One that moves from broker to broker just now may be told of by both.
  const byId = new Map<string, TransactionalId>()
  for (const [coordinator, { transactionStates }] of answers) {
    for (const { transactionalId, producerId, transactionState } of transactionStates) {
      if (!transactionalId.startsWith(prefix)) continue
      const id = { transactionalId, producerId: Number(producerId), state: toState(transactionState) }
      byId.set(transactionalId, { ...id, coordinator, gateway: isOwn(transactionalId) })
    }
  }
  const transactionalIds = [...byId.values()]
  return { transactionalIds: transactionalIds.sort(byName), unanswered }
}

/**
 * What the coordinator says of a transactional id.
 * @throws Problem transactional_id_not_found, kafka_authorization, kafka_unavailable, kafka_auth_failed
 */
export async function describeTransactionalId(
  cluster: Cluster,
  transactionalId: string,
  deadline: Deadline = new Deadline(TIMEOUT_MS),
): Promise<TransactionalIdDescription> {
  const told = await describeTransaction(cluster, transactionalId, deadline)
  if (told === undefined) {
    throw new Problem('transactional_id_not_found', {
      detail: `Kafka knows no transactional id ${transactionalId}.`,
    })
  }
  const state = toState(told.transactionState)
  // Kafka remembers when a transaction began that has ended since.
  const startTimestamp = underWay.includes(state) ? Number(told.transactionStartTimeMs) : null
  return {
    transactionalId,
    state,
    producerId: Number(told.producerId),
    producerEpoch: told.producerEpoch,
    coordinator: told.coordinator,
    gateway: isOwn(transactionalId),
    timeoutMs: told.transactionTimeoutMs,
    startTimestamp,
    partitions: told.topics.flatMap(({ topic, partitions }) =>
      partitions.toSorted((a, b) => a - b).map((partition) => ({ topic, partition })),
    ),
  }
}

function isOwn(transactionalId: string): boolean {
  return transactionalId.startsWith(ID_PREFIX)
}

function byName(a: TransactionalId, b: TransactionalId): number {
  return a.transactionalId < b.transactionalId ? -1 : 1
}

/** @throws Problem invalid_parameter where the broker cannot tell how long; the error itself otherwise */
function tooOld(error: unknown): never {
  if (!(error instanceof UnsupportedApiError)) throw error
  const reason = 'this Kafka is too old to tell (KIP-994); 3.8 or newer can'
  const errors = [{ parameter: 'longerThanMs', reason }]
  throw new Problem('invalid_parameter', { detail: `longerThanMs: ${reason}.`, errors, cause: error })
}
