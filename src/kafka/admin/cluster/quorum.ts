import type { Cluster } from '../../cluster.ts'
import type { Deadline } from '../../deadline.ts'
import { KafkaCode, problemFromKafka, problemFromKafkaCode, UnsupportedApiError } from '../../errors.ts'
import { describeQuorum, type QuorumReplica } from '../../wire/cluster-apis.ts'

/** A controller, or a broker that follows the metadata log. Timestamps are milliseconds since the epoch. */
export interface QuorumMember {
  readonly node: number
  /** Id of its log's folder; null where there is none, or Kafka is too old to tell. */
  readonly directory: string | null
  readonly logEndOffset: number
  /** Records behind the leader. */
  readonly lag: number
  readonly lastFetchTimestamp: number | null
  readonly lastCaughtUpTimestamp: number | null
}

/** The metadata log of a cluster (KIP-595). */
export interface Quorum {
  readonly leader: number
  readonly leaderEpoch: number
  readonly highWatermark: number
  readonly voters: readonly QuorumMember[]
  readonly observers: readonly QuorumMember[]
}

const metadataLog = { topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }

/**
 * Undefined where the gateway may not see it or the cluster has none (ZooKeeper).
 * @throws Problem kafka_unavailable, also while there is no leader; kafka_auth_failed
 */
export async function quorumOf(cluster: Cluster, deadline: Deadline): Promise<Quorum | undefined> {
  const call = cluster.callAny((connection) => connection.call(describeQuorum, [metadataLog]))
  const answer = await deadline.within(call).catch((error: unknown) => {
    if (error instanceof UnsupportedApiError) return undefined
    throw problemFromKafka(error)
  })
  if (answer === undefined || answer.errorCode === KafkaCode.CLUSTER_AUTHORIZATION_FAILED) return undefined
  const partition = answer.topics[0]?.partitions[0]
  const errorCode = answer.errorCode || (partition?.errorCode ?? KafkaCode.UNKNOWN_SERVER_ERROR)
  if (errorCode !== KafkaCode.NONE || partition === undefined) throw problemFromKafkaCode(errorCode)
  const { leaderId: leader, leaderEpoch, highWatermark, currentVoters, observers } = partition
  const end = currentVoters.find(({ replicaId }) => replicaId === leader)?.logEndOffset ?? highWatermark
  return {
    leader,
    leaderEpoch,
    highWatermark: Number(highWatermark),
    voters: currentVoters.map((voter) => toMember(voter, end)).sort((a, b) => a.node - b.node),
    observers: observers.map((observer) => toMember(observer, end)).sort((a, b) => a.node - b.node),
  }
}

/**
 * Node id of the active controller, which Kafka's own metadata does not tell since KIP-500: there any broker stands for
 * it. Undefined where it is not to be found out.
 */
export async function controllerOf(cluster: Cluster, deadline: Deadline): Promise<number | undefined> {
  try {
    return (await quorumOf(cluster, deadline))?.leader
  } catch {
    // While it is being elected there is none.
    return undefined
  }
}

function toMember(replica: QuorumReplica, end: bigint): QuorumMember {
  const { replicaId: node, replicaDirectoryId, logEndOffset } = replica
  const lag = Number(end - logEndOffset)
  return {
    node,
    directory: toDirectory(replicaDirectoryId),
    logEndOffset: Number(logEndOffset),
    // A follower's number may be newer than the leader's own.
    lag: Math.max(0, lag),
    lastFetchTimestamp: toTimestamp(replica.lastFetchTimestamp),
    lastCaughtUpTimestamp: toTimestamp(replica.lastCaughtUpTimestamp),
  }
}

/** As Kafka's own tools write it; quorums of before KIP-853 have none. */
function toDirectory(uuid: string | undefined): string | null {
  if (uuid === undefined || !/[1-9a-f]/.test(uuid)) return null
  return Buffer.from(uuid.replaceAll('-', ''), 'hex').toString('base64url')
}

function toTimestamp(value: bigint | undefined): number | null {
  return value === undefined || value < 0n ? null : Number(value)
}
