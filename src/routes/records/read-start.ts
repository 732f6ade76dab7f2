import type { Cluster, TopicInfo } from '../../kafka/cluster.ts'
import { Deadline } from '../../kafka/deadline.ts'
import { findBounds, findOffsets } from '../../kafka/reader/offset-finder.ts'
import { startOffsets } from '../../kafka/start-offsets.ts'
import { Problem } from '../../problem.ts'
import { decodeCursor, type DecodedPosition, isOfName } from '../../records/cursor.ts'
import type { ReadQuery } from './read-schemas.ts'

/** Where a read begins. */
export interface ReadStart {
  readonly topic: TopicInfo
  readonly offsets: ReadonlyMap<number, number>
  /** All partitions, those added later with them; not a chosen one. */
  readonly whole: boolean
}

type StartQuery = Pick<ReadQuery, 'from' | 'cursor' | 'partition' | 'isolation'>

const DEADLINE_MS = 5_000

/**
 * Turns `from`, `cursor` and `partition` into offsets.
 * @throws Problem topic_not_found, partition_not_found, invalid_cursor, invalid_parameter, position_lost, and as
 * Cluster.topic
 */
export async function findStart(cluster: Cluster, name: string, query: StartQuery): Promise<ReadStart> {
  const position = query.cursor === undefined ? undefined : checkCursor(query.cursor, name, query.partition)
  const highest = query.partition ?? Math.max(0, ...(position?.offsets.keys() ?? []))
  const fits = (topic: TopicInfo | undefined) =>
    topic?.partitions[highest] !== undefined && (position === undefined || position.topicId === topic.id)
  let topic = await cluster.topic(name)
  // What is cached may be older than the topic, the partition or the cursor that the caller knows.
  if (topic !== undefined && !fits(topic)) topic = await cluster.refreshTopic(name)
  if (topic === undefined) throw new Problem('topic_not_found', { detail: `There is no topic ${name}.` })
  if (position !== undefined) return resume(cluster, topic, position, query)
  if (query.partition !== undefined) checkPartition(topic, query.partition)
  const partitions =
    query.partition === undefined ? topic.partitions.map((p) => p.partition) : [query.partition]
  const from = query.from ?? { kind: 'earliest' }
  const deadline = new Deadline(DEADLINE_MS)
  const offsets = await startOffsets(cluster, topic, partitions, from, query.isolation, deadline)
  return { topic, offsets, whole: query.partition === undefined }
}

/** @throws Problem partition_not_found */
export function checkPartition(topic: TopicInfo, partition: number): void {
  if (topic.partitions[partition] !== undefined) return
  const last = topic.partitions.length - 1
  throw new Problem('partition_not_found', { detail: `The partitions of ${topic.name} are 0 to ${last}.` })
}

/** @throws Problem invalid_cursor, invalid_parameter */
function checkCursor(text: string, name: string, partition: number | undefined): DecodedPosition {
  const [position, ...others] = decodeCursor(text)
  if (position === undefined || others.length > 0 || !isOfName(position, name)) {
    throw new Problem('invalid_cursor', { detail: `The cursor is not of the topic ${name}.` })
  }
  if (partition !== undefined && (position.offsets.size > 1 || !position.offsets.has(partition))) {
    const reason = 'the cursor is of other partitions'
    throw new Problem('invalid_parameter', { errors: [{ parameter: 'partition', reason }] })
  }
  return position
}

/** @throws Problem position_lost, invalid_cursor */
async function resume(
  cluster: Cluster,
  topic: TopicInfo,
  { topicId, offsets, whole }: DecodedPosition,
  { isolation }: StartQuery,
): Promise<ReadStart> {
  const deadline = new Deadline(DEADLINE_MS)
  if (topicId !== topic.id) {
    const partitions = [...offsets.keys()].filter((p) => topic.partitions[p] !== undefined)
    const bounds = await findBounds(cluster, topic, partitions, isolation, deadline)
    throw new Problem('position_lost', {
      detail: `The topic ${topic.name} was deleted and made again.`,
      extra: { bounds: Object.fromEntries(bounds) },
    })
  }
  if ([...offsets.keys()].some((p) => topic.partitions[p] === undefined)) throw new Problem('invalid_cursor')
  const added = topic.partitions.map((p) => p.partition).filter((p) => !offsets.has(p))
  if (!whole || added.length === 0) return { topic, offsets, whole }
  // Every record of a partition added since is newer than the cursor.
  const starts = await findOffsets(cluster, topic, added, 'earliest', isolation, deadline)
  return { topic, offsets: new Map([...offsets, ...starts]), whole }
}
