import type { Cluster, TopicInfo } from '../kafka/cluster.ts'
import { Deadline } from '../kafka/deadline.ts'
import { findBounds, findOffsets } from '../kafka/reader/offset-finder.ts'
import type { Isolation, PartitionPosition } from '../kafka/record-reader.ts'
import { startOffsets } from '../kafka/start-offsets.ts'
import { Problem } from '../problems/problem.ts'
import { decodeCursor, type DecodedPosition, isOfName } from '../records/cursor.ts'
import type { StartPosition } from '../records/start-position.ts'

/** Where and how to read. */
export interface StartOptions {
  readonly from: StartPosition
  /** Where to go on instead, in the topics that it names. */
  readonly cursor?: string | undefined
  /** Where to start in some partitions, by topic. */
  readonly positions?: ReadonlyMap<string, ReadonlyMap<number, number>> | undefined
  /** To read alone. */
  readonly partition?: number | undefined
  readonly isolation: Isolation
}

/** Where reading a topic begins. */
export interface TopicStart {
  readonly topic: TopicInfo
  readonly offsets: ReadonlyMap<number, number>
  /** All partitions, those added later with them; not a chosen one. */
  readonly whole: boolean
}

const DEADLINE_MS = 5_000

/**
 * Turns `from`, `cursor` and `partition` into offsets, topic by topic. A partition added since the cursor was made is read
 * from its beginning: nothing in it has been read.
 * @throws Problem topic_not_found, partition_not_found, invalid_cursor, invalid_parameter, position_lost, and as
 * Cluster.topic
 */
export async function findStarts(
  cluster: Cluster,
  topics: readonly string[],
  options: StartOptions,
): Promise<TopicStart[]> {
  const positions = options.cursor === undefined ? new Map() : ofTopics(decodeCursor(options.cursor), topics)
  return Promise.all(topics.map((name) => findStart(cluster, name, positions.get(name), options)))
}

/**
 * The same for topics that a pattern reaches: what the cursor doesn't know has come since, and is read from its beginning;
 * what it knows and is no longer there is passed over. So is a topic that goes meanwhile, unless it is named as well.
 * @throws as findStarts
 */
export async function findMatched(
  cluster: Cluster,
  topics: readonly TopicInfo[],
  options: StartOptions,
  isNamed: (topic: string) => boolean,
): Promise<TopicStart[]> {
  const { cursor } = options
  const decoded = cursor === undefined ? [] : decodeCursor(cursor)
  const from: StartPosition = cursor === undefined ? options.from : { kind: 'earliest' }
  const starts = await Promise.all(
    topics.map(async ({ name, id }) => {
      const position = decoded.find((p) => isOfName(p, name) && (p.topicId === id || isNamed(name)))
      try {
        return [await findStart(cluster, name, position, { ...options, from })]
      } catch (error) {
        const isGone =
          error instanceof Problem && (error.code === 'topic_not_found' || error.code === 'position_lost')
        if (isGone && !isNamed(name)) return []
        throw error
      }
    }),
  )
  return starts.flat()
}

/** @throws Problem invalid_cursor where a position is of no topic, or of one that another is of */
function ofTopics(
  positions: readonly DecodedPosition[],
  topics: readonly string[],
): Map<string, DecodedPosition> {
  const found = new Map<string, DecodedPosition>()
  for (const position of positions) {
    const name = topics.find((topic) => isOfName(position, topic))
    if (name === undefined || found.has(name)) {
      throw new Problem('invalid_cursor', {
        detail: `The cursor is not of ${topics.length === 1 ? `the topic ${topics[0]}` : 'these topics'}.`,
      })
    }
    found.set(name, position)
  }
  return found
}

/** @throws as findStarts */
async function findStart(
  cluster: Cluster,
  name: string,
  position: DecodedPosition | undefined,
  { from, partition, isolation, positions }: StartOptions,
): Promise<TopicStart> {
  if (position !== undefined && partition !== undefined) checkCursorOf(position, partition)
  const given = positions?.get(name)
  const highest = partition ?? Math.max(0, ...(position?.offsets.keys() ?? []), ...(given?.keys() ?? []))
  const fits = (topic: TopicInfo | undefined) =>
    topic?.partitions[highest] !== undefined && (position === undefined || position.topicId === topic.id)
  let topic = await cluster.topic(name)
  // What is cached may be older than the topic, the partition or the cursor that the caller knows.
  if (topic !== undefined && !fits(topic)) topic = await cluster.refreshTopic(name)
  if (topic === undefined) throw new Problem('topic_not_found', { detail: `There is no topic ${name}.` })
  if (position !== undefined) return resume(cluster, topic, position, isolation)
  if (partition !== undefined) checkPartition(topic, partition)
  const partitions = partition === undefined ? topic.partitions.map((p) => p.partition) : [partition]
  if (given !== undefined) checkPositions(topic, given)
  const rest = partitions.filter((p) => given?.has(p) !== true)
  const found = await startOffsets(cluster, topic, rest, from, isolation, new Deadline(DEADLINE_MS))
  return { topic, offsets: new Map([...(given ?? []), ...found]), whole: partition === undefined }
}

/** @throws Problem invalid_subscription */
function checkPositions(topic: TopicInfo, given: ReadonlyMap<number, number>): void {
  const wrong = [...given.keys()].find((partition) => topic.partitions[partition] === undefined)
  if (wrong === undefined) return
  const reason = `${topic.name} has no partition ${wrong}`
  throw new Problem('invalid_subscription', {
    detail: `positions: ${reason}.`,
    errors: [{ parameter: 'positions', reason }],
  })
}

/** @throws Problem partition_not_found */
export function checkPartition(topic: TopicInfo, partition: number): void {
  if (topic.partitions[partition] !== undefined) return
  const last = topic.partitions.length - 1
  throw new Problem('partition_not_found', { detail: `The partitions of ${topic.name} are 0 to ${last}.` })
}

/** @throws Problem invalid_parameter */
function checkCursorOf({ offsets }: DecodedPosition, partition: number): void {
  if (offsets.size === 1 && offsets.has(partition)) return
  const reason = 'the cursor is of other partitions'
  throw new Problem('invalid_parameter', { errors: [{ parameter: 'partition', reason }] })
}

/** @throws Problem position_lost, invalid_cursor */
async function resume(
  cluster: Cluster,
  topic: TopicInfo,
  { topicId, offsets, whole }: DecodedPosition,
  isolation: Isolation,
): Promise<TopicStart> {
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

/**
 * Refuses a start at an offset that is not there, or no longer.
 * @throws Problem position_lost with `bounds` by partition, and as findBounds
 */
export async function refuseLost(cluster: Cluster, start: TopicStart, isolation: Isolation): Promise<void> {
  const { topic, offsets } = start
  const deadline = new Deadline(DEADLINE_MS)
  const bounds = await findBounds(cluster, topic, [...offsets.keys()], isolation, deadline)
  const lost = [...bounds].filter(([partition, { earliest, latest }]) => {
    const offset = offsets.get(partition)!
    return offset < earliest || offset > latest
  })
  const [first] = lost
  if (first === undefined) return
  throw new Problem('position_lost', {
    detail: `Partition ${first[0]} has no offset ${offsets.get(first[0])}.`,
    extra: { bounds: Object.fromEntries(lost) },
  })
}

/** A topic's offsets as positions for a reader. */
export function toPositions(
  topic: TopicInfo,
  offsets: Iterable<readonly [number, number]>,
): PartitionPosition[] {
  return [...offsets].map(([partition, offset]) => ({
    topic: topic.name,
    topicId: topic.id,
    partition,
    offset,
  }))
}
