import { Problem } from '../../../problems/problem.ts'
import type { BrokerConnection } from '../../broker-connection.ts'
import type { Cluster } from '../../cluster.ts'
import { Deadline } from '../../deadline.ts'
import { KafkaCode, problemFromKafkaCode } from '../../errors.ts'
import { describeLogDirs, type LogDirAnswer } from '../../wire/cluster-apis.ts'
import { askBroker, askBrokers } from '../broker-answers.ts'
import { SETTLE_MS, TIMEOUT_MS } from '../timeouts.ts'
import { checkBroker, registrations } from './brokers.ts'

/** One replica on a disk. */
export interface ReplicaLog {
  readonly topic: string
  readonly partition: number
  readonly sizeBytes: number
  /** Offsets behind the high watermark; of a future replica, behind the one it will replace. */
  readonly lag: number
  /** Being copied here from another folder of the same broker. */
  readonly future: boolean
}

export interface LogDir {
  readonly broker: number
  readonly path: string
  /** The disk failed: what is on it cannot be told. */
  readonly offline: boolean
  /** Of the volume; null where Kafka does not tell. */
  readonly totalBytes: number | null
  readonly usableBytes: number | null
  readonly replicas: readonly ReplicaLog[]
}

export interface LogDirList {
  readonly logDirs: readonly LogDir[]
  readonly unanswered: readonly number[]
}

/** Topics with the partitions that are asked for. */
export type WantedReplicas = readonly { readonly name: string; readonly partitions: number[] }[]

/**
 * The folders of all brokers. Those of a broker that is silent are missing, and it is named.
 * @param topic the one topic whose replicas are told
 * @throws Problem topic_not_found, kafka_authorization, kafka_unavailable, kafka_auth_failed
 */
export async function listLogDirs(cluster: Cluster, topic: string | undefined): Promise<LogDirList> {
  const deadline = new Deadline(TIMEOUT_MS)
  const brokers = await registrations(cluster, deadline)
  const wanted = await wantedOf(cluster, topic, deadline)
  const nodes = brokers.map(({ broker }) => broker)
  return logDirsAt(cluster, nodes, wanted, deadline.slice(SETTLE_MS))
}

/** The folders of some brokers, and their replicas: all, or only those that are `wanted`. */
export async function logDirsAt(
  cluster: Cluster,
  nodes: Iterable<number>,
  wanted: WantedReplicas | null,
  deadline: Deadline,
): Promise<LogDirList> {
  const { answers, unanswered } = await askBrokers(cluster, nodes, deadline, (connection, node) =>
    ask(connection, node, wanted),
  )
  const logDirs = [...answers].sort(([a], [b]) => a - b).flatMap(([, dirs]) => dirs)
  return { logDirs, unanswered }
}

/**
 * The folders of one broker.
 * @throws Problem broker_not_found, broker_unavailable; as listLogDirs()
 */
export async function logDirsOfBroker(
  cluster: Cluster,
  node: number,
  topic: string | undefined,
): Promise<LogDir[]> {
  const deadline = new Deadline(TIMEOUT_MS)
  await checkBroker(cluster, node, deadline)
  const wanted = await wantedOf(cluster, topic, deadline)
  return askBroker(cluster, node, deadline.slice(SETTLE_MS), (connection) => ask(connection, node, wanted))
}

async function wantedOf(
  cluster: Cluster,
  topic: string | undefined,
  deadline: Deadline,
): Promise<WantedReplicas | null> {
  if (topic === undefined) return null
  const info = await deadline.within(cluster.refreshTopic(topic))
  if (info === undefined) throw new Problem('topic_not_found', { detail: `There is no topic ${topic}.` })
  return [{ name: topic, partitions: info.partitions.map(({ partition }) => partition) }]
}

async function ask(
  connection: BrokerConnection,
  broker: number,
  wanted: WantedReplicas | null,
): Promise<LogDir[]> {
  const { errorCode, results } = await connection.call(describeLogDirs, wanted && [...wanted])
  if (errorCode !== KafkaCode.NONE) throw problemFromKafkaCode(errorCode)
  return results.map((result) => toLogDir(result, broker)).sort((a, b) => (a.path < b.path ? -1 : 1))
}

function toLogDir(
  { errorCode, logDir, topics, totalBytes, usableBytes }: LogDirAnswer,
  broker: number,
): LogDir {
  const replicas = topics.flatMap(({ name, partitions }) =>
    partitions.map((p) => ({
      topic: name,
      partition: p.partitionIndex,
      sizeBytes: Number(p.partitionSize),
      lag: Number(p.offsetLag),
      future: p.isFutureKey,
    })),
  )
  return {
    broker,
    path: logDir,
    offline: errorCode !== KafkaCode.NONE,
    totalBytes: toBytes(totalBytes),
    usableBytes: toBytes(usableBytes),
    replicas: replicas.sort((a, b) =>
      a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1,
    ),
  }
}

function toBytes(value: bigint | undefined): number | null {
  return value === undefined || value < 0n ? null : Number(value)
}
