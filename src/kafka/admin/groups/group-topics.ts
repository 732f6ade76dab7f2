import { Problem } from '../../../problem.ts'
import type { Cluster, TopicInfo } from '../../cluster.ts'
import type { Deadline } from '../../deadline.ts'
import { Gate } from '../../reader/gate.ts'

/** A topic that offsets are about, or why it cannot be looked at. */
export type FoundTopic = { readonly topic: TopicInfo } | { readonly problem: Problem }

/** Topics asked for at the same time. */
const AT_ONCE = 16

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
  committed: { readonly offset: number | null } | undefined,
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
