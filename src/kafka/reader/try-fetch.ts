import type { Problem } from '../../problems/problem.ts'
import type { BrokerConnection } from '../broker-connection.ts'
import type { Cluster } from '../cluster.ts'
import { KafkaCode, problemFromKafka, problemFromKafkaCode } from '../errors.ts'
import { fetch, type FetchAnswer, type FetchRequest } from '../wire/fetch.ts'
import { Gate } from './gate.ts'

/**
 * Fetches that don't wait share so many connections to a broker, as many as the cluster keeps idle: with one each, a
 * burst of reads would spend its time opening and closing connections.
 */
const SHARED_CONNECTIONS = 8
const gates = new WeakMap<Cluster, Map<number, Gate>>()

/**
 * One fetch at one broker: its answer, or the problem of having none. Never rejects, so whoever asked may stop waiting
 * at any time: the connection goes back when the answer has come, or is ended when none does.
 */
export async function tryFetch(
  cluster: Cluster,
  nodeId: number,
  request: FetchRequest,
): Promise<FetchAnswer | Problem> {
  const gate = request.maxWaitMs === 0 ? gateOf(cluster, nodeId) : undefined
  await gate?.enter()
  let connection: BrokerConnection | undefined
  try {
    connection = await cluster.lease(nodeId)
    const answer = await connection.call(fetch, request)
    cluster.release(connection)
    return answer.errorCode === KafkaCode.NONE ? answer : problemFromKafkaCode(answer.errorCode)
  } catch (error) {
    connection?.destroy()
    return problemFromKafka(error)
  } finally {
    gate?.leave()
  }
}

function gateOf(cluster: Cluster, nodeId: number): Gate {
  let ofCluster = gates.get(cluster)
  if (ofCluster === undefined) gates.set(cluster, (ofCluster = new Map()))
  let gate = ofCluster.get(nodeId)
  if (gate === undefined) ofCluster.set(nodeId, (gate = new Gate(SHARED_CONNECTIONS)))
  return gate
}
