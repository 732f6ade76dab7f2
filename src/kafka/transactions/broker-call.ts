import { Problem } from '../../problems/problem.ts'
import type { BrokerConnection } from '../broker-connection.ts'
import type { Cluster } from '../cluster.ts'
import type { Deadline } from '../deadline.ts'
import { problemFromKafka, UnsupportedApiError } from '../errors.ts'

/** No answer came to a call. Where it was sent the broker may have done it, or do it yet. */
export class Unanswered extends Error {
  readonly sent: boolean

  constructor(sent: boolean, cause: unknown) {
    super(sent ? 'no answer came' : 'nothing was sent', { cause })
    this.name = 'Unanswered'
    this.sent = sent
  }
}

/** What a caller is told where a call that may be made again failed. */
export function problemOfCall(error: unknown): Problem {
  if (!(error instanceof Unanswered)) return problemFromKafka(error)
  if (error.cause instanceof Error) return problemFromKafka(error.cause)
  // It was busy or loading all the while: nothing failed, and there is at most the name of what it said last.
  const detail = 'The coordinator did not answer in time.'
  return new Problem('kafka_unavailable', { detail, cause: error.cause })
}

/**
 * Makes a call on a connection of its own: a broker looks at a connection's next request only when it has answered the
 * last, so transactions that shared one would wait for each other.
 * @throws Unanswered; UnsupportedApiError
 */
export async function callBroker<T>(
  cluster: Cluster,
  nodeId: number,
  deadline: Deadline,
  call: (connection: BrokerConnection) => Promise<T>,
): Promise<T> {
  // Metadata names the brokers; one that is new to the cluster may not be in what we have of it.
  if (!cluster.brokers.has(nodeId)) await deadline.within(cluster.ping()).catch(() => {})
  const leasing = cluster.lease(nodeId)
  let connection: BrokerConnection
  try {
    connection = await deadline.within(leasing)
  } catch (error) {
    leasing.then(
      (late) => cluster.release(late),
      () => {},
    )
    throw new Unanswered(false, error)
  }
  try {
    const answer = await deadline.within(call(connection))
    cluster.release(connection)
    return answer
  } catch (error) {
    if (error instanceof UnsupportedApiError) {
      cluster.release(connection)
      throw error
    }
    connection.destroy()
    throw new Unanswered(true, error)
  }
}
