import { Problem } from '../../problems/problem.ts'
import type { BrokerConnection } from '../broker-connection.ts'
import type { Cluster } from '../cluster.ts'
import type { Deadline } from '../deadline.ts'
import { isConnectionError, problemFromKafka } from '../errors.ts'

export interface BrokerAnswers<T> {
  /** By node id. */
  readonly answers: ReadonlyMap<number, T>
  /** Node ids of those that did not answer in time, in order. */
  readonly unanswered: readonly number[]
}

/**
 * Asks several brokers the same, all at once. One that is gone or silent costs its own answer and no more.
 * @throws Problem of what a broker says, such as kafka_auth_failed; nothing for one that says nothing
 */
export async function askBrokers<T>(
  cluster: Cluster,
  nodes: Iterable<number>,
  deadline: Deadline,
  call: (connection: BrokerConnection, node: number) => Promise<T>,
): Promise<BrokerAnswers<T>> {
  const answers = new Map<number, T>()
  const unanswered: number[] = []
  const ask = async (node: number) => {
    const connection = await cluster.control(node)
    return call(connection, node)
  }
  await Promise.all(
    [...new Set(nodes)].map(async (node) => {
      try {
        answers.set(node, await deadline.within(ask(node)))
      } catch (error) {
        if (!isSilence(error)) throw problemFromKafka(error)
        unanswered.push(node)
      }
    }),
  )
  return { answers, unanswered: unanswered.sort((a, b) => a - b) }
}

function isSilence(error: unknown): boolean {
  return isConnectionError(error) || (error instanceof Problem && error.code === 'kafka_unavailable')
}

/**
 * Asks one broker what only it can answer.
 * @throws Problem broker_unavailable where it does not answer in time; what it says otherwise
 */
export async function askBroker<T>(
  cluster: Cluster,
  node: number,
  deadline: Deadline,
  call: (connection: BrokerConnection) => Promise<T>,
): Promise<T> {
  const { answers } = await askBrokers(cluster, [node], deadline, async (connection) => ({
    answer: await call(connection),
  }))
  const found = answers.get(node)
  if (found === undefined) {
    throw new Problem('broker_unavailable', { detail: `Broker ${node} does not answer.` })
  }
  return found.answer
}
