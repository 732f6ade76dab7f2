import type { Cluster, TopicInfo } from '../kafka/cluster.ts'
import { Deadline } from '../kafka/deadline.ts'
import type { Isolation, PartitionPosition, ReaderEvent } from '../kafka/record-reader.ts'
import { startOffsets } from '../kafka/start-offsets.ts'
import { Problem } from '../problems/problem.ts'
import type { StartPosition } from '../records/start-position.ts'
import { toPositions } from './find-start.ts'

const DEADLINE_MS = 10_000

/**
 * The topics of a stream.
 * @throws Problem topic_not_found, and as Cluster.topic
 */
export async function lookUpTopics(cluster: Cluster, names: readonly string[]): Promise<TopicInfo[]> {
  return Promise.all(
    names.map(async (name) => {
      const info = await cluster.topic(name)
      if (info === undefined) throw new Problem('topic_not_found', { detail: `There is no topic ${name}.` })
      return info
    }),
  )
}

/**
 * Where to start reading these partitions.
 * @throws Problem kafka_unavailable, topic_not_found, kafka_authorization
 */
export async function startPositions(
  cluster: Cluster,
  topic: TopicInfo,
  partitions: readonly number[],
  from: StartPosition,
  isolation: Isolation,
): Promise<PartitionPosition[]> {
  if (partitions.length === 0) return []
  const found = await startOffsets(cluster, topic, partitions, from, isolation, new Deadline(DEADLINE_MS))
  return toPositions(topic, found)
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
