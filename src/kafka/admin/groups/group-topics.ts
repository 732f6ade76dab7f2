import { Problem } from '../../../problems/problem.ts'
import type { Cluster, TopicInfo } from '../../cluster.ts'
import type { Deadline } from '../../deadline.ts'
import { Gate } from '../../reader/gate.ts'
import type { TopicPartition } from '../../topic-partition.ts'
import type { Isolation } from '../../wire/fetch.ts'
import { type Bounds, boundsOf } from '../topics/topic-offsets.ts'

/** A topic that offsets are about, or why it cannot be looked at. */
export type FoundTopic = { readonly topic: TopicInfo } | { readonly problem: Problem }

/** Topics asked for at the same time. */
export const AT_ONCE = 16
const RETRY_MS = 50

/**
 * Asks Kafka about some topics now.
 * @throws Problem kafka_unavailable, kafka_auth_failed; what is wrong with one topic is told of that one
 */
export async function findTopics(
  cluster: Cluster,
  names: readonly string[],
  deadline: Deadline,
): Promise<Map<string, FoundTopic>> {
  const gate = new Gate(AT_ONCE)
  const found = await Promise.all(
    names.map(async (name): Promise<[string, FoundTopic]> => {
      await gate.enter()
      try {
        const topic = await deadline.within(cluster.refreshTopic(name))
        if (topic !== undefined) return [name, { topic }]
        return [name, { problem: new Problem('topic_not_found', { detail: `There is no topic ${name}.` }) }]
      } catch (error) {
        if (error instanceof Problem && error.code === 'kafka_authorization') {
          return [name, { problem: error }]
        }
        throw error
      } finally {
        gate.leave()
      }
    }),
  )
  return new Map(found)
}

/** Why nothing more can be told of, or done to, a partition. */
export function partitionProblem(
  found: FoundTopic,
  partition: number,
  committed?: { readonly offset: number | null },
): Problem | undefined {
  if ('problem' in found) return found.problem
  if (found.topic.partitions[partition] === undefined) {
    return new Problem('partition_not_found', {
      detail: `Topic ${found.topic.name} has no partition ${partition}.`,
    })
  }
  if (committed?.offset !== null) return undefined
  return new Problem('invalid_offset', { detail: 'What the group has committed is past 9007199254740991.' })
}

/** The bounds of these partitions, asked for again until the deadline where leaders move, and who leads them. */
export async function boundsIn(
  cluster: Cluster,
  topic: TopicInfo,
  places: readonly TopicPartition[],
  isolation: Isolation,
  deadline: Deadline,
): Promise<{ topic: TopicInfo; bounds: Map<number, Bounds> }> {
  let latest = topic
  for (;;) {
    const own = restrict(latest, places)
    const bounds = await boundsOf(cluster, own, deadline, isolation)
    const settled = own.partitions.every((p) => p.leader < 0 || bounds.has(p.partition))
    if (settled || deadline.passed) return { topic: own, bounds }
    await deadline.pause(RETRY_MS)
    latest = (await deadline.within(cluster.refreshTopic(topic.name)).catch(() => undefined)) ?? latest
  }
}

/** The topic with these of its partitions alone. */
function restrict(topic: TopicInfo, places: readonly TopicPartition[]): TopicInfo {
  const partitions: TopicInfo['partitions'][number][] = []
  for (const { partition } of places) {
    const info = topic.partitions[partition]
    if (info !== undefined) partitions[partition] = info
  }
  return { ...topic, partitions }
}
