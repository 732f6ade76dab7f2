import { isInternalTopic } from '../../../internal-topics.ts'
import { Problem } from '../../../problems/problem.ts'
import type { Cluster, TopicInfo } from '../../cluster.ts'
import { Deadline } from '../../deadline.ts'
import { KafkaCode } from '../../errors.ts'
import { Gate } from '../../reader/gate.ts'
import { describeProducers } from '../../wire/transaction-admin-apis.ts'
import { askBrokers } from '../broker-answers.ts'
import { SETTLE_MS, TIMEOUT_MS } from '../timeouts.ts'
import { type PartitionProducer, toPartitionProducer } from './partition-producers.ts'
import { describeTransactionalId, listTransactionalIds } from './transactional-ids.ts'

/** Transactional ids asked about at the same time. */
const AT_ONCE = 16

/** A transaction that is open in one partition. */
export interface OpenTransaction {
  readonly topic: string
  readonly partition: number
  readonly producer: PartitionProducer
}

export interface HangingTransaction extends OpenTransaction {
  /** Under which the producer is known; null where no coordinator knows it. */
  readonly transactionalId: string | null
}

export interface HangingTransactions {
  readonly transactions: readonly HangingTransaction[]
  /** Node ids of the brokers that did not say what is open in the partitions they lead. */
  readonly unanswered: readonly number[]
}

/**
 * Transactions that are open in a partition although their coordinator knows nothing of it (KIP-664), so that nobody will
 * ever end them: readers of committed records wait there for ever.
 * @param topic looks there alone; in every topic where left out
 * @param olderThanMs leaves out those whose last record is younger: what a coordinator is told comes a moment later
 * @returns them by topic, partition and producer
 * @throws Problem topic_not_found, kafka_authorization, kafka_unavailable, kafka_auth_failed
 */
export async function findHanging(
  cluster: Cluster,
  topic: string | undefined,
  olderThanMs: number,
): Promise<HangingTransactions> {
  const deadline = new Deadline(TIMEOUT_MS)
  const topics = await deadline.within(topicsOf(cluster, topic))
  const { open, unanswered } = await openTransactions(cluster, topics, deadline.slice(SETTLE_MS))
  const before = Date.now() - olderThanMs
  const old = open.filter(({ producer }) => (producer.lastTimestamp ?? 0) <= before)
  const hanging = await withoutCoordinator(cluster, old, deadline)
  return { transactions: hanging.sort(byPlace), unanswered }
}

/** @throws Problem topic_not_found */
async function topicsOf(cluster: Cluster, name: string | undefined): Promise<TopicInfo[]> {
  if (name === undefined) {
    const topics = await cluster.allTopics()
    return topics.filter((topic) => !topic.internal && !isInternalTopic(topic.name))
  }
  const topic = await cluster.refreshTopic(name)
  if (topic === undefined) throw new Problem('topic_not_found', { detail: `There is no topic ${name}.` })
  return [topic]
}

async function openTransactions(
  cluster: Cluster,
  topics: readonly TopicInfo[],
  deadline: Deadline,
): Promise<{ open: OpenTransaction[]; unanswered: readonly number[] }> {
  const led = topics.flatMap(({ name, partitions }) =>
    partitions.map(({ partition, leader }) => ({ name, partition, leader })),
  )
  const byLeader = Map.groupBy(
    led.filter(({ leader }) => leader >= 0),
    ({ leader }) => leader,
  )
  const { answers, unanswered } = await askBrokers(cluster, byLeader.keys(), deadline, (connection, node) => {
    const byTopic = Map.groupBy(byLeader.get(node)!, ({ name }) => name)
    const request = [...byTopic].map(([name, all]) => ({
      name,
      partitionIndexes: all.map(({ partition }) => partition),
    }))
    return connection.call(describeProducers, request)
  })
  const open = [...answers.values()].flatMap(({ topics }) =>
    topics.flatMap(({ name: topic, partitions }) =>
      partitions.flatMap(({ partitionIndex: partition, errorCode, activeProducers }) =>
        // One whose leader has moved on, or that the gateway may not read, has nothing to tell.
        errorCode === KafkaCode.NONE
          ? activeProducers.map((producer) => ({
              topic,
              partition,
              producer: toPartitionProducer(producer),
            }))
          : [],
      ),
    ),
  )
  return { open: open.filter(({ producer }) => producer.transactionStartOffset !== null), unanswered }
}

/**
 * Of transactions that are open, those that no coordinator counts among its own.
 * @throws Problem kafka_unavailable where a broker does not say what it coordinates: it may be the one
 */
export async function withoutCoordinator(
  cluster: Cluster,
  open: readonly OpenTransaction[],
  deadline: Deadline,
): Promise<HangingTransaction[]> {
  if (open.length === 0) return []
  const producerIds = [...new Set(open.map(({ producer }) => producer.producerId))]
  const { transactionalIds, unanswered } = await deadline.within(
    listTransactionalIds(cluster, { producerIds }),
  )
  if (unanswered.length > 0) {
    throw new Problem('kafka_unavailable', {
      detail: `Broker ${unanswered.join(', ')} does not say which transactions it coordinates.`,
    })
  }
  const gate = new Gate(AT_ONCE)
  const known = await Promise.all(
    transactionalIds.map(({ transactionalId }) =>
      gate.within(() =>
        describeTransactionalId(cluster, transactionalId, deadline).catch((error: unknown) => {
          if (error instanceof Problem && error.code === 'transactional_id_not_found') return undefined
          throw error
        }),
      ),
    ),
  )
  return open.flatMap((transaction): HangingTransaction[] => {
    const { topic, partition, producer } = transaction
    const coordinated = known.find((id) => id?.producerId === producer.producerId)
    const isItsOwn = coordinated?.partitions.some((p) => p.topic === topic && p.partition === partition)
    if (isItsOwn === true) return []
    return [{ ...transaction, transactionalId: coordinated?.transactionalId ?? null }]
  })
}

function byPlace(a: HangingTransaction, b: HangingTransaction): number {
  if (a.topic !== b.topic) return a.topic < b.topic ? -1 : 1
  return a.partition - b.partition || a.producer.producerId - b.producer.producerId
}
