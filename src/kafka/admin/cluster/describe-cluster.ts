import type { Cluster } from '../../cluster.ts'
import { Deadline } from '../../deadline.ts'
import type { ApiVersionsAnswer } from '../../wire/cluster-apis.ts'
import { SETTLE_MS, TIMEOUT_MS } from '../timeouts.ts'
import { clusterFacts, versionsOf } from './brokers.ts'
import { METADATA_VERSION, releaseOf } from './kafka-version.ts'
import { type Quorum, quorumOf } from './quorum.ts'

/** A feature whose level the whole cluster shares (KIP-584). */
export interface Feature {
  readonly name: string
  /** What every broker that answers supports. */
  readonly min: number
  readonly max: number
  /** The level in force; null where the feature is not in use. */
  readonly finalized: number | null
}

export interface ClusterDescription {
  readonly clusterId: string
  /** Null while none is elected, or where the gateway may not know. */
  readonly controller: number | null
  readonly brokers: number
  /** The newest Kafka release that all brokers which answer can work as; null where it is not known here. */
  readonly kafkaVersion: string | null
  /** The release whose features are in force (`metadata.version`). */
  readonly metadataVersion: string | null
  readonly features: readonly Feature[]
  /** Null where the gateway may not see it, or there is none. */
  readonly metadataQuorum: Quorum | null
  readonly unanswered: readonly number[]
}

/** @throws Problem kafka_unavailable, kafka_auth_failed */
export async function describeWholeCluster(cluster: Cluster): Promise<ClusterDescription> {
  const deadline = new Deadline(TIMEOUT_MS)
  const [facts, quorum] = await Promise.all([
    clusterFacts(cluster, deadline),
    // While the controllers elect, the rest can be told.
    quorumOf(cluster, deadline.slice(SETTLE_MS)).catch(() => undefined),
  ])
  const nodes = facts.brokers.map(({ brokerId }) => brokerId)
  const { answers, unanswered } = await versionsOf(cluster, nodes, deadline.slice(SETTLE_MS))
  const features = featuresOf([...answers.values()])
  const metadata = features.find(({ name }) => name === METADATA_VERSION)
  return {
    clusterId: facts.clusterId,
    controller: quorum?.leader ?? null,
    brokers: nodes.length,
    kafkaVersion: releaseOf(metadata?.max),
    metadataVersion: releaseOf(metadata?.finalized ?? undefined),
    features,
    metadataQuorum: quorum ?? null,
    unanswered,
  }
}

/** By name. */
export function featuresOf(
  answers: readonly Pick<ApiVersionsAnswer, 'supportedFeatures' | 'finalizedFeatures'>[],
): Feature[] {
  const supported = Map.groupBy(
    answers.flatMap((answer) => answer.supportedFeatures),
    ({ name }) => name,
  )
  const levels = new Map<string, number>()
  for (const { name, maxVersionLevel } of answers.flatMap((answer) => answer.finalizedFeatures)) {
    levels.set(name, Math.max(maxVersionLevel, levels.get(name) ?? 0))
  }
  return [...supported]
    .map(([name, ranges]) => ({
      name,
      min: Math.max(...ranges.map(({ minVersion }) => minVersion)),
      max: Math.min(...ranges.map(({ maxVersion }) => maxVersion)),
      finalized: levels.get(name) ?? null,
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}
