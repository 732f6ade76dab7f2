import { Problem } from '../../problems/problem.ts'
import type { Cluster } from '../cluster.ts'
import type { Deadline } from '../deadline.ts'
import type { BrokerConnection } from '../broker-connection.ts'
import type { ProduceAnswer, ProducePart } from '../wire/produce.ts'
import { backoffMs } from '../writer/backoff.ts'
import { unavailable } from '../writer/verdict.ts'
import { callBroker } from './broker-call.ts'
import type { PartitionWrite } from './partition-write.ts'

/** The most that one Produce request carries, bytes; one batch always goes. */
const MAX_REQUEST_BYTES = 4_000_000
const MAX_BACKOFF_MS = 250
/** The broker's own time for one request, ms, and what the connection is given beyond it. */
const ACK_TIMEOUT_MS = 3_000
const ACK_GRACE_MS = 500
/** How long brokers may take to agree that a topic exists, ms. */
const MISSING_MS = 1_000

/** Sends one Produce request of the transaction. */
export type SendParts = (
  connection: BrokerConnection,
  parts: readonly ProducePart[],
  timeoutMs: number,
) => Promise<ProduceAnswer>

/**
 * Writes all of a transaction's records, in rounds of one request per leader. When it ends, well or not, no request is
 * under way any more.
 * @throws Problem where some record can't be written, or was not by the deadline
 */
export async function produceAll(
  cluster: Cluster,
  writes: readonly PartitionWrite[],
  deadline: Deadline,
  send: SendParts,
): Promise<void> {
  let left = [...writes]
  let failures = 0
  const missingSince = new Map<string, number>()
  while (left.length > 0) {
    if (deadline.passed) throw tooLate(left)
    const requests = formRequests(cluster, left)
    const rounds = [...requests].map(([leader, writes]) => sendOne(cluster, leader, writes, deadline, send))
    const settled = await Promise.allSettled(rounds)
    for (const result of settled) if (result.status === 'rejected') throw result.reason
    left = left.filter((write) => !write.done)
    const failed = left.filter(({ problem }) => problem !== undefined)
    if (failed.length === 0 && requests.size > 0) {
      failures = 0
      continue
    }
    await deadline.pause(backoffMs(failures++, MAX_BACKOFF_MS))
    const topics = [...new Set((failed.length > 0 ? failed : left).map(({ topic }) => topic))]
    await Promise.all(topics.map((topic) => lookAgain(cluster, topic, deadline, missingSince)))
  }
}

/** Asks who leads a topic's partitions now. @throws Problem topic_not_found once brokers agree that it is gone */
async function lookAgain(
  cluster: Cluster,
  topic: string,
  deadline: Deadline,
  missingSince: Map<string, number>,
): Promise<void> {
  const info = await deadline.within(cluster.refreshTopic(topic)).catch(() => 'unreachable')
  if (info !== undefined) return void missingSince.delete(topic)
  const since = missingSince.get(topic) ?? performance.now()
  missingSince.set(topic, since)
  if (performance.now() - since >= MISSING_MS) {
    throw new Problem('topic_not_found', { detail: `Topic ${topic} was deleted meanwhile.` })
  }
}

/** What each leader is sent next; partitions without one, and bytes beyond a request, wait for another round. */
function formRequests(cluster: Cluster, writes: readonly PartitionWrite[]): Map<number, PartitionWrite[]> {
  const requests = new Map<number, PartitionWrite[]>()
  const sizes = new Map<number, number>()
  for (const write of writes) {
    const leader = cluster.cachedTopic(write.topic)?.partitions[write.partition]?.leader ?? -1
    if (leader < 0) {
      write.unanswered('no leader')
      continue
    }
    const size = sizes.get(leader) ?? 0
    if (size > 0 && size + write.batch.length > MAX_REQUEST_BYTES) continue
    sizes.set(leader, size + write.batch.length)
    const request = requests.get(leader) ?? []
    requests.set(leader, request)
    request.push(write)
  }
  return requests
}

async function sendOne(
  cluster: Cluster,
  leader: number,
  writes: readonly PartitionWrite[],
  deadline: Deadline,
  send: SendParts,
): Promise<void> {
  const parts = writes.map(({ topic, partition, batch }) => ({ topic, partition, batch }))
  const ackTimeoutMs = Math.max(1, Math.min(ACK_TIMEOUT_MS, Math.floor(deadline.left / 2)))
  let answer: ProduceAnswer
  try {
    answer = await callBroker(cluster, leader, deadline.slice(ackTimeoutMs + ACK_GRACE_MS), (connection) =>
      send(connection, parts, ackTimeoutMs),
    )
  } catch (error) {
    for (const write of writes) write.unanswered(error)
    return
  }
  for (const write of writes) {
    const result = answer.results.get(write.topic)?.get(write.partition)
    if (result === undefined) write.unanswered('the answer lacks the partition')
    else write.answer(result)
  }
}

function tooLate(left: readonly PartitionWrite[]): Problem {
  const known = left.find(({ problem }) => problem !== undefined)?.problem
  return known ?? unavailable('Kafka did not take the records in time.')
}
