import { Problem } from '../../../problems/problem.ts'
import type { EndPosition } from '../../../records/start-position.ts'
import type { Cluster, TopicInfo } from '../../cluster.ts'
import { Deadline } from '../../deadline.ts'
import { type Bounds, findBounds } from '../../reader/offset-finder.ts'
import { startOffsets } from '../../start-offsets.ts'
import { notFound } from './alter-steps.ts'
import { SETTLE_MS, TIMEOUT_MS } from '../timeouts.ts'
import { configsOf } from './describe-topic.ts'

/** What of a partition goes: the records before an offset. */
export interface PartitionPlan extends Bounds {
  readonly partition: number
  /** What the earliest is to be. */
  readonly newEarliest: number
}

export interface TruncationPlan {
  readonly topic: TopicInfo
  readonly partitions: readonly PartitionPlan[]
}

/**
 * What deleting the records before a place would delete, of one partition or of all. Nothing is deleted.
 * @throws Problem topic_not_found, partition_not_found, internal_topic, topic_only_compacted, offset_out_of_range,
 *   kafka_authorization, kafka_unavailable, kafka_auth_failed
 */
export async function planTruncation(
  cluster: Cluster,
  name: string,
  before: EndPosition,
  only: number | undefined,
): Promise<TruncationPlan> {
  const deadline = new Deadline(TIMEOUT_MS)
  const topic = await deadline.within(cluster.refreshTopic(name))
  if (topic === undefined) throw notFound(name)
  if (topic.internal) throw new Problem('internal_topic')
  if (only !== undefined && only >= topic.partitions.length) {
    const detail = `Topic ${name} has ${topic.partitions.length} partitions, numbered from 0.`
    throw new Problem('partition_not_found', { detail })
  }
  const configs = await configsOf(cluster, name, deadline)
  const policy = configs?.find((config) => config.name === 'cleanup.policy')?.value
  if (policy != null && !policy.split(',').includes('delete')) throw new Problem('topic_only_compacted')
  const numbers = only === undefined ? topic.partitions.map(({ partition }) => partition) : [only]
  const [bounds, targets] = await findPlaces(cluster, topic, numbers, before, deadline.slice(SETTLE_MS))
  const partitions = numbers.map((partition) => {
    const { earliest, latest } = bounds.get(partition)!
    // Kafka may have deleted some since it was asked for the place.
    const newEarliest = Math.max(earliest, targets.get(partition) ?? latest)
    return { partition, earliest, latest, newEarliest }
  })
  refuseBeyond(partitions)
  return { topic, partitions }
}

async function findPlaces(
  cluster: Cluster,
  topic: TopicInfo,
  partitions: readonly number[],
  before: EndPosition,
  deadline: Deadline,
): Promise<[Map<number, Bounds>, Map<number, number>]> {
  try {
    const targets =
      before.kind === 'latest'
        ? new Map<number, number>() // it must be the same end that is told
        : await startOffsets(cluster, topic, partitions, before, 'read_uncommitted', deadline)
    return [await findBounds(cluster, topic, partitions, 'read_uncommitted', deadline), targets]
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'kafka_unavailable') throw error
    const detail =
      'Nothing was deleted: not every partition has a leader that answers. Another can be named by `partition`.'
    throw new Problem('kafka_unavailable', { detail, cause: error })
  }
}

/** @throws Problem offset_out_of_range */
function refuseBeyond(partitions: readonly PartitionPlan[]): void {
  const beyond = partitions.filter(({ newEarliest, latest }) => newEarliest > latest)
  if (beyond.length === 0) return
  const [{ partition, latest }] = beyond as [PartitionPlan]
  const more = beyond.length > 1 ? `, as do ${beyond.length - 1} others` : ''
  throw new Problem('offset_out_of_range', {
    detail: `Nothing was deleted: partition ${partition} ends at offset ${latest}${more}.`,
    extra: {
      bounds: Object.fromEntries(
        partitions.map(({ partition, earliest, latest }) => [partition, { earliest, latest }]),
      ),
    },
  })
}
