import type { Cluster, TopicInfo } from '../kafka/cluster.ts'
import { Deadline } from '../kafka/deadline.ts'
import type { PartitionPosition, ReaderEvent } from '../kafka/record-reader.ts'
import { startOffsets } from '../kafka/start-offsets.ts'
import type { AssignedPartition } from '../kafka/group/types.ts'
import { Problem } from '../problem.ts'
import type { StartPosition } from '../start-position.ts'
import type { SubscriptionOptions } from './subscription-options.ts'

const DEADLINE_MS = 10_000

/**
 * Where to read each partition of a topic: from what `given` says of it, else from the start position.
 * @throws Problem kafka_unavailable, topic_not_found, kafka_authorization
 */
export async function startPositions(
  cluster: Cluster,
  topic: TopicInfo,
  from: StartPosition,
  isolation: SubscriptionOptions['isolation'],
  given: ReadonlyMap<number, number> = new Map(),
): Promise<PartitionPosition[]> {
  const unknown = topic.partitions
    .map(({ partition }) => partition)
    .filter((partition) => !given.has(partition))
  const found =
    unknown.length === 0
      ? new Map<number, number>()
      : await startOffsets(cluster, topic, unknown, from, isolation, new Deadline(DEADLINE_MS))
  return [...given, ...found].map(([partition, offset]) => ({
    topic: topic.name,
    topicId: topic.id,
    partition,
    offset,
  }))
}

/** Where a group member reads what it was assigned: where the group has committed, else from the start position. */
export async function memberPositions(
  cluster: Cluster,
  partitions: readonly AssignedPartition[],
  from: StartPosition,
  isolation: SubscriptionOptions['isolation'],
): Promise<(PartitionPosition & { fresh: boolean })[]> {
  const byTopic = Map.groupBy(partitions, ({ topic }) => topic)
  const positions = [...byTopic].map(async ([name, own]) => {
    const topic = await cluster.topic(name)
    if (topic === undefined) throw new Problem('topic_not_found', { detail: `There is no topic ${name}.` })
    const deadline = new Deadline(DEADLINE_MS)
    const unknown = own.filter(({ committed }) => committed === undefined).map(({ partition }) => partition)
    const found =
      unknown.length === 0
        ? new Map<number, number>()
        : await startOffsets(cluster, topic, unknown, from, isolation, deadline)
    return own.map(({ partition, committed }) => ({
      topic: name,
      topicId: topic.id,
      partition,
      offset: committed ?? found.get(partition) ?? 0,
      fresh: committed === undefined,
    }))
  })
  return (await Promise.all(positions)).flat()
}

type Lost = Extract<ReaderEvent, { kind: 'lost' }>

const reasons: Record<Lost['reason'], string> = {
  out_of_range: 'its records at this position were removed',
  topic_recreated: 'the topic was deleted and made again',
  topic_deleted: 'the topic was deleted',
  not_authorized: 'Kafka does not let the gateway read it',
}

/** What a reader is told of a position that is gone. */
export function positionLost({ topic, partition, reason, earliest, latest }: Lost): Problem {
  const code =
    reason === 'topic_deleted'
      ? 'topic_not_found'
      : reason === 'not_authorized'
        ? 'kafka_authorization'
        : 'position_lost'
  const bounds = earliest === undefined || latest === undefined ? {} : { bounds: { earliest, latest } }
  return new Problem(code, {
    detail: `${topic}, partition ${partition}: ${reasons[reason]}.`,
    extra: { topic, partition, ...bounds },
  })
}
