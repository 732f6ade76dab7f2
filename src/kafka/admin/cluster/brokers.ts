import { Problem } from '../../../problems/problem.ts'
import type { Cluster, TopicInfo } from '../../cluster.ts'
import { Deadline } from '../../deadline.ts'
import { KafkaCode, problemFromKafka, problemFromKafkaCode } from '../../errors.ts'
import {
  apiVersions,
  type ApiVersionsAnswer,
  BROKER_ENDPOINTS,
  describeCluster,
  type DescribeClusterAnswer,
  software,
} from '../../wire/cluster-apis.ts'
import { askBrokers } from '../broker-answers.ts'
import { SETTLE_MS, TIMEOUT_MS } from '../timeouts.ts'
import { METADATA_VERSION, releaseOf } from './kafka-version.ts'
import { controllerOf } from './quorum.ts'

/** A broker as the cluster knows it. */
export interface Registration {
  readonly broker: number
  readonly host: string
  readonly port: number
  readonly rack: string | null
  /** Registered and not in service: stopped, starting, or cut off. Kafka before 4.0 doesn't tell of such brokers. */
  readonly fenced: boolean
}

export interface BrokerDescription extends Registration {
  readonly controller: boolean
  readonly answering: boolean
  /** The newest Kafka release whose features it has; null where it doesn't answer, or is newer than what is known. */
  readonly kafkaVersion: string | null
  /** Replicas on it, those of internal topics as well; of these, those it leads and those not in sync. */
  readonly partitions: number
  readonly leaders: number
  readonly underReplicated: number
}

export interface BrokerList {
  readonly brokers: readonly BrokerDescription[]
  readonly unanswered: readonly number[]
}

/**
 * The brokers by node id. One that is silent is described by what the others know of it.
 * @throws Problem kafka_unavailable, kafka_auth_failed
 */
export async function listBrokers(cluster: Cluster): Promise<BrokerList> {
  const deadline = new Deadline(TIMEOUT_MS)
  const registered = await registrations(cluster, deadline)
  const settle = deadline.slice(SETTLE_MS)
  const [{ answers, unanswered }, topics, controller] = await Promise.all([
    versionsOf(
      cluster,
      registered.map(({ broker }) => broker),
      settle,
    ),
    deadline.within(cluster.allTopics()),
    controllerOf(cluster, settle),
  ])
  const loads = loadsOf(topics)
  const brokers = registered.map((registration): BrokerDescription => {
    const { broker } = registration
    const versions = answers.get(broker)
    return {
      ...registration,
      controller: broker === controller,
      answering: versions !== undefined,
      kafkaVersion: versions === undefined ? null : kafkaVersionOf(versions),
      ...(loads.get(broker) ?? { partitions: 0, leaders: 0, underReplicated: 0 }),
    }
  })
  return { brokers, unanswered }
}

/** @throws Problem broker_not_found; as listBrokers() */
export async function describeBroker(cluster: Cluster, node: number): Promise<BrokerDescription> {
  const { brokers } = await listBrokers(cluster)
  const found = brokers.find(({ broker }) => broker === node)
  if (found === undefined) throw brokerNotFound(node)
  return found
}

export function brokerNotFound(node: number): Problem {
  return new Problem('broker_not_found', { detail: `The cluster has no broker ${node}.` })
}

/** What DescribeCluster says. @throws Problem kafka_authorization, kafka_unavailable, kafka_auth_failed */
export async function clusterFacts(cluster: Cluster, deadline: Deadline): Promise<DescribeClusterAnswer> {
  const call = cluster.callAny((connection) =>
    connection.call(describeCluster, false, BROKER_ENDPOINTS, true),
  )
  const answer = await deadline.within(call).catch((error: unknown) => {
    throw problemFromKafka(error)
  })
  if (answer.errorCode !== KafkaCode.NONE) {
    throw problemFromKafkaCode(answer.errorCode, undefined, answer.errorMessage)
  }
  // Connections are opened to the brokers that metadata names.
  await deadline.within(cluster.ping())
  return answer
}

/** Every broker the cluster has, by node id. @throws as clusterFacts() */
export async function registrations(cluster: Cluster, deadline: Deadline): Promise<Registration[]> {
  const { brokers } = await clusterFacts(cluster, deadline)
  return brokers
    .map(({ brokerId: broker, host, port, rack, isFenced: fenced = false }) => ({
      broker,
      host,
      port,
      rack,
      fenced,
    }))
    .sort((a, b) => a.broker - b.broker)
}

/**
 * Holds that the cluster has this broker.
 * @throws Problem broker_not_found; broker_unavailable where it is known to be out of service; as clusterFacts()
 */
export async function checkBroker(cluster: Cluster, node: number, deadline: Deadline): Promise<void> {
  const found = (await registrations(cluster, deadline)).find(({ broker }) => broker === node)
  if (found === undefined) throw brokerNotFound(node)
  if (found.fenced) {
    throw new Problem('broker_unavailable', { detail: `Broker ${node} is out of service.` })
  }
}

/** What each broker says it supports. */
export function versionsOf(cluster: Cluster, nodes: readonly number[], deadline: Deadline) {
  return askBrokers(cluster, nodes, deadline, (connection) => connection.call(apiVersions, ...software))
}

export function kafkaVersionOf({ supportedFeatures }: ApiVersionsAnswer): string | null {
  return releaseOf(supportedFeatures.find(({ name }) => name === METADATA_VERSION)?.maxVersion)
}

interface Load {
  partitions: number
  leaders: number
  underReplicated: number
}

function loadsOf(topics: readonly TopicInfo[]): Map<number, Load> {
  const loads = new Map<number, Load>()
  for (const { leader, replicas, isr } of topics.flatMap((topic) => topic.partitions)) {
    for (const replica of replicas) {
      const load = loads.get(replica) ?? { partitions: 0, leaders: 0, underReplicated: 0 }
      loads.set(replica, load)
      load.partitions++
      if (replica === leader) load.leaders++
      if (!isr.includes(replica)) load.underReplicated++
    }
  }
  return loads
}
