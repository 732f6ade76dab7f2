import { Problem } from '../../problems/problem.ts'
import type { BrokerConnection } from '../broker-connection.ts'
import type { Cluster } from '../cluster.ts'
import type { Deadline } from '../deadline.ts'
import { isConnectionError, KafkaCode, kafkaErrorName, problemFromKafka } from '../errors.ts'

/** Longest that one broker is waited for, ms, so that another can be tried before the deadline. */
const TRY_MS = 4_000
const FIRST_BACKOFF_MS = 50
const MAX_BACKOFF_MS = 1_000

/** The controller is elsewhere, being elected, or over its mutation quota (KIP-599): the same call works later. */
const retriable = new Set<number>([
  KafkaCode.NOT_CONTROLLER,
  KafkaCode.REQUEST_TIMED_OUT,
  KafkaCode.NETWORK_EXCEPTION,
  KafkaCode.COORDINATOR_LOAD_IN_PROGRESS,
  KafkaCode.COORDINATOR_NOT_AVAILABLE,
  KafkaCode.LEADER_NOT_AVAILABLE,
  KafkaCode.THROTTLING_QUOTA_EXCEEDED,
])

/** Of the error numbers of one answer, the one to repeat the whole call for; NONE where there is no such. */
export function passingCode(codes: Iterable<number>): number {
  return [...codes].find((code) => retriable.has(code)) ?? KafkaCode.NONE
}

export interface Change<T> {
  readonly answer: T
  /** An earlier try went unanswered, so the change may have been made before this answer was. */
  readonly repeated: boolean
}

/**
 * Makes a change that is the controller's to make. Any broker takes it and forwards it (KIP-590). Brokers are tried one
 * after the other, never two at once as callAny() does: the second would find the change made and refuse it.
 * `at` is the one broker to take it, where only that may.
 * @throws Problem kafka_unavailable when the deadline passes; kafka_auth_failed; internal_error
 */
export async function changeCluster<T extends { errorCode: number }>(
  cluster: Cluster,
  deadline: Deadline,
  call: (connection: BrokerConnection, timeoutMs: number) => Promise<T>,
  at?: number,
): Promise<Change<T>> {
  let repeated = false
  let cause: unknown
  for (let tries = 0; !deadline.passed; tries++) {
    const nodes = at === undefined ? [...new Set([cluster.controllerId, ...cluster.brokers.keys()])] : [at]
    let sent = false
    try {
      const connection = await deadline.within(cluster.control(nodes[tries % nodes.length]!))
      sent = true
      const answer = await deadline.within(call(connection, Math.ceil(Math.min(deadline.left, TRY_MS))))
      if (!retriable.has(answer.errorCode)) return { answer, repeated }
      repeated ||= answer.errorCode === KafkaCode.REQUEST_TIMED_OUT
      cause = kafkaErrorName(answer.errorCode)
    } catch (error) {
      const problem = problemFromKafka(error)
      if (problem.code !== 'kafka_unavailable' && !isConnectionError(error)) throw problem
      repeated ||= sent
      cause = error
    }
    await deadline.pause(Math.min(FIRST_BACKOFF_MS * 2 ** tries, MAX_BACKOFF_MS))
    // Brokers may have come and gone; one that answers names the rest.
    await deadline.within(cluster.ping()).catch(() => {})
  }
  throw new Problem('kafka_unavailable', { detail: 'Kafka did not make the change in time.', cause })
}
