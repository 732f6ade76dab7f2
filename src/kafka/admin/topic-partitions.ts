import { isInternalTopic } from '../../internal-topics.ts'
import { Problem } from '../../problems/problem.ts'
import type { Cluster, PartitionInfo, TopicInfo } from '../cluster.ts'
import type { Deadline } from '../deadline.ts'

export interface PartitionName {
  readonly topic: string
  readonly partition: number
}

/** Topics as metadata shows them now, by name. */
export type TopicMap = ReadonlyMap<string, TopicInfo>

/** Every topic that the gateway may see. @throws Problem kafka_unavailable, kafka_auth_failed */
export async function topicMap(cluster: Cluster, deadline: Deadline): Promise<TopicMap> {
  const topics = await deadline.within(cluster.allTopics())
  return new Map(topics.map((topic) => [topic.name, topic]))
}

/** A topic that may be administered. @throws Problem topic_not_found, internal_topic, at the pointer into the body */
export function topicIn(topics: TopicMap, name: string, pointer: string): TopicInfo {
  const topic = topics.get(name)
  const where = (reason: string) => ({ detail: `${pointer}: ${reason}.`, errors: [{ pointer, reason }] })
  if (isInternalTopic(name) || topic?.internal === true) {
    throw new Problem('internal_topic', where(`${name} is internal`))
  }
  if (topic === undefined) throw new Problem('topic_not_found', where(`there is no topic ${name}`))
  return topic
}

/** @throws Problem partition_not_found; as topicIn() */
export function partitionIn(
  topics: TopicMap,
  { topic: name, partition }: PartitionName,
  pointer: string,
): PartitionInfo {
  const info = topicIn(topics, name, `${pointer}/topic`).partitions[partition]
  if (info !== undefined) return info
  const reason = `${name} has no partition ${partition}`
  throw new Problem('partition_not_found', {
    detail: `${pointer}/partition: ${reason}.`,
    errors: [{ pointer: `${pointer}/partition`, reason }],
  })
}

export function partitionKey({ topic, partition }: PartitionName): string {
  return `${topic}-${partition}`
}

/** By topic and partition. */
export function byPartition(a: PartitionName, b: PartitionName): number {
  if (a.topic === b.topic) return a.partition - b.partition
  return a.topic < b.topic ? -1 : 1
}

/** The form in which most calls take partitions: topics, each with its own. */
export function byTopic<T extends PartitionName>(partitions: readonly T[]): [topic: string, of: T[]][] {
  return [...Map.groupBy(partitions, ({ topic }) => topic)]
}
