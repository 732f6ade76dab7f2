import { Problem } from '../../../problems/problem.ts'
import type { Cluster, PartitionInfo, TopicInfo } from '../../cluster.ts'
import { Deadline } from '../../deadline.ts'
import { KafkaCode, problemFromKafka, problemFromKafkaCode } from '../../errors.ts'
import { describeConfigs, TOPIC_RESOURCE } from '../../wire/config-apis.ts'
import { POLL_MS, SETTLE_MS, TIMEOUT_MS } from '../timeouts.ts'
import { toTopicConfigs, type TopicConfig } from './topic-configs.ts'
import { type Bounds, boundsOf } from './topic-offsets.ts'
import { sizesOf } from './topic-sizes.ts'

export interface PartitionDescription extends PartitionInfo {
  /** Missing where the partition has no leader, or it does not answer. */
  readonly bounds: Bounds | undefined
  /** Bytes on the leader's disk. Missing where they are not told. */
  readonly size: number | undefined
}

export interface TopicDescription extends Omit<TopicInfo, 'partitions'> {
  readonly partitions: readonly PartitionDescription[]
  /** Null where Kafka does not let the gateway see them. */
  readonly configs: readonly TopicConfig[] | null
}

/**
 * A topic as it is now. A partition whose leader does not answer within half the time is described without its bounds
 * and size.
 * @throws Problem topic_not_found, kafka_authorization, kafka_unavailable, kafka_auth_failed
 */
export async function describeTopic(cluster: Cluster, name: string): Promise<TopicDescription> {
  const deadline = new Deadline(TIMEOUT_MS)
  const settle = new Deadline(SETTLE_MS)
  for (;;) {
    const topic = await deadline.within(cluster.refreshTopic(name))
    if (topic === undefined) throw new Problem('topic_not_found', { detail: `There is no topic ${name}.` })
    const [bounds, sizes, configs] = await Promise.all([
      boundsOf(cluster, topic, settle),
      sizesOf(cluster, topic, settle),
      configsOf(cluster, name, deadline),
    ])
    // Asked at several brokers, which learn of a change one after the other.
    const settled = topic.partitions.every((p) => p.leader < 0 || bounds.has(p.partition))
    if (configs !== undefined && (settled || settle.passed))
      return toDescription(topic, bounds, sizes, configs)
    await deadline.pause(POLL_MS)
  }
}

export function toDescription(
  topic: TopicInfo,
  bounds: ReadonlyMap<number, Bounds>,
  sizes: ReadonlyMap<number, number>,
  configs: readonly TopicConfig[] | null,
): TopicDescription {
  const partitions = topic.partitions.map((p) => {
    return { ...p, bounds: bounds.get(p.partition), size: sizes.get(p.partition) }
  })
  return { ...topic, partitions, configs }
}

/**
 * Null where they may not be seen; undefined where the broker that was asked does not know the topic, yet or any more.
 * @throws Problem kafka_unavailable, kafka_auth_failed
 */
export async function configsOf(
  cluster: Cluster,
  name: string,
  deadline: Deadline,
): Promise<TopicConfig[] | null | undefined> {
  const resource = { resourceType: TOPIC_RESOURCE, resourceName: name, configurationKeys: null }
  const call = cluster.callAny((connection) => connection.call(describeConfigs, [resource], false, false))
  const answer = await deadline.within(call).catch((error: unknown) => {
    throw problemFromKafka(error)
  })
  const result = answer.results[0]!
  switch (result.errorCode) {
    case KafkaCode.NONE:
      return toTopicConfigs(result.configs)
    case KafkaCode.UNKNOWN_TOPIC_OR_PARTITION:
      return undefined
    case KafkaCode.TOPIC_AUTHORIZATION_FAILED:
    case KafkaCode.CLUSTER_AUTHORIZATION_FAILED:
      return null
    default:
      throw problemFromKafkaCode(result.errorCode, undefined, result.errorMessage)
  }
}
