import { Problem } from '../../../problems/problem.ts'
import type { Cluster } from '../../cluster.ts'
import { Deadline } from '../../deadline.ts'
import { Gate } from '../../reader/gate.ts'
import { findOffsets } from '../../reader/offset-finder.ts'
import { keyOf, type TopicPartition } from '../../topic-partition.ts'
import { SETTLE_MS, TIMEOUT_MS } from '../timeouts.ts'
import type { Bounds } from '../topics/topic-offsets.ts'
import { type Committed, committedOffsets, inOrder } from './committed.ts'
import { findGroup } from './describe-group.ts'
import { noSuchGroup, quoted } from './group-call.ts'
import { AT_ONCE, boundsIn, type FoundTopic, findTopics, partitionProblem } from './group-topics.ts'
import { refuseActiveGroup, refuseInternalGroup, refuseShareGroup } from './refusals.ts'

/** Where a group is to be. */
export type ResetTarget =
  | { readonly kind: 'earliest' | 'latest' }
  | { readonly kind: 'offset'; readonly offset: number }
  /** The first record of this time or later, ms since the epoch; the end where there is none. */
  | { readonly kind: 'time'; readonly timestamp: number }
  /** So many offsets after where it is now; before, below 0. */
  | { readonly kind: 'shift'; readonly shift: number }
  /** Where another group is. */
  | { readonly kind: 'group'; readonly group: string }

export interface ResetRequest {
  /** For every partition that has no offset of its own; undefined where all have. */
  readonly target: ResetTarget | undefined
  /** All of their partitions. */
  readonly topics: readonly string[]
  readonly partitions: readonly (TopicPartition & { readonly offset?: number | undefined })[]
}

export interface OffsetChange extends TopicPartition {
  /** Null where nothing was committed. */
  readonly before: number | null
  /** The same as before where there is a problem; null where the offset is deleted. */
  readonly after: number | null
  /** Whether it was asked for out of the partition's bounds, so that the nearest of these was taken. */
  readonly clamped: boolean
  /** Why nothing changes. */
  readonly problem: Problem | undefined
}

export interface ResetPlan {
  readonly group: string
  readonly changes: readonly OffsetChange[]
  /** All that the group has committed. */
  readonly committed: readonly Committed[]
  /** Whether it was made from where the group is now, so that making it again gives another. */
  readonly relative: boolean
  readonly deadline: Deadline
}

/**
 * What a reset would change, in absolute offsets. With neither topics nor partitions it is about all that the group, or
 * the group it is to follow, has committed in topics that are still there. The group need not exist.
 * @throws Problem group_active, group_not_found of a group to follow, group_type_unsupported, offset_not_committed where
 *   there is nothing to reset; kafka_authorization, kafka_unavailable, kafka_auth_failed
 */
export async function planReset(cluster: Cluster, group: string, request: ResetRequest): Promise<ResetPlan> {
  refuseInternalGroup(group)
  const deadline = new Deadline(TIMEOUT_MS)
  const { target } = request
  const [description, committed, followed] = await Promise.all([
    findGroup(cluster, group, deadline),
    committedOffsets(cluster, group, deadline),
    target?.kind === 'group' ? offsetsToFollow(cluster, target.group, deadline) : undefined,
  ])
  if (description !== undefined) {
    refuseShareGroup(description)
    refuseActiveGroup(description)
  }
  const named = request.topics.length > 0 || request.partitions.length > 0
  const source = followed ?? committed
  if (!named && source.length === 0) {
    const who = quoted(target?.kind === 'group' ? target.group : group)
    const detail = `Group ${who} has committed nothing; name the topics or partitions.`
    throw new Problem('offset_not_committed', { detail })
  }
  const places = named
    ? request
    : { topics: [], partitions: source.map(({ topic, partition }) => ({ topic, partition })) }
  const names = [...new Set([...places.topics, ...places.partitions.map(({ topic }) => topic)])]
  const found = await findTopics(cluster, names, deadline)
  const wanted = Map.groupBy(expand(places, found), ({ topic }) => topic)
  const gate = new Gate(AT_ONCE)
  const changes = await Promise.all(
    [...wanted].map(([topic, own]) => {
      const context = { target, committed: byKey(committed), followed: byKey(followed ?? []) }
      return gate.within(() => changesIn(cluster, found.get(topic)!, own, context, deadline))
    }),
  )
  return {
    group,
    // What a group once read and is gone is nobody's to reset, unless it is named.
    changes: changes
      .flat()
      .filter(({ problem }) => named || !isGone(problem))
      .sort(inOrder),
    committed,
    relative: target?.kind === 'shift',
    deadline,
  }
}

type Wanted = ResetRequest['partitions'][number]

/** @throws Problem group_not_found */
async function offsetsToFollow(cluster: Cluster, group: string, deadline: Deadline): Promise<Committed[]> {
  refuseInternalGroup(group)
  const committed = await committedOffsets(cluster, group, deadline)
  if (committed.length === 0 && (await findGroup(cluster, group, deadline)) === undefined) {
    throw noSuchGroup(group)
  }
  return committed
}

/** Every partition that is meant. A topic that cannot be looked at stands for its first. */
function expand(
  { topics, partitions }: Pick<ResetRequest, 'topics' | 'partitions'>,
  found: ReadonlyMap<string, FoundTopic>,
): Wanted[] {
  const ofTopics = topics.flatMap((name): Wanted[] => {
    const topic = found.get(name)!
    if ('problem' in topic) return [{ topic: name, partition: 0 }]
    return topic.topic.partitions.map(({ partition }) => ({ topic: name, partition }))
  })
  return [...ofTopics, ...partitions]
}

interface Context {
  readonly target: ResetTarget | undefined
  readonly committed: ReadonlyMap<string, Committed>
  readonly followed: ReadonlyMap<string, Committed>
}

/** The changes in one topic's partitions. */
async function changesIn(
  cluster: Cluster,
  found: FoundTopic,
  wanted: readonly Wanted[],
  context: Context,
  deadline: Deadline,
): Promise<OffsetChange[]> {
  const places = wanted.filter(({ partition }) => partitionProblem(found, partition) === undefined)
  const { bounds, times } = await lookUp(cluster, found, places, context.target, deadline)
  return wanted.map((place): OffsetChange => {
    const { topic, partition } = place
    const before = context.committed.get(keyOf(place))?.offset ?? null
    const own = bounds.get(partition)
    const asked =
      partitionProblem(found, partition) ??
      (own === undefined ? leaderless(place) : offsetFor(place, context, before, own, times))
    if (asked instanceof Problem || own === undefined) {
      const problem = asked instanceof Problem ? asked : undefined
      return { topic, partition, before, after: before, clamped: false, problem }
    }
    const after = Math.min(Math.max(asked, own.earliest), own.latest)
    return { topic, partition, before, after, clamped: after !== asked, problem: undefined }
  })
}

/** The bounds of some partitions, and where a time begins in them, if that is the target; a problem where Kafka does not say. */
async function lookUp(
  cluster: Cluster,
  found: FoundTopic,
  places: readonly TopicPartition[],
  target: ResetTarget | undefined,
  deadline: Deadline,
): Promise<{ bounds: ReadonlyMap<number, Bounds>; times: ReadonlyMap<number, number> | Problem }> {
  if ('problem' in found || places.length === 0) return { bounds: new Map(), times: new Map() }
  const { topic, bounds } = await boundsIn(
    cluster,
    found.topic,
    places,
    'read_uncommitted',
    deadline.slice(SETTLE_MS),
  )
  if (target?.kind !== 'time') return { bounds, times: new Map() }
  const place = { timestamp: target.timestamp }
  const times = await findOffsets(
    cluster,
    topic,
    [...bounds.keys()],
    place,
    'read_uncommitted',
    deadline,
  ).catch((error: unknown) => {
    if (error instanceof Problem) return error
    throw error
  })
  return { bounds, times }
}

/** The offset that is asked for, whether it lies in the partition's bounds or not; a problem where there is none. */
function offsetFor(
  place: Wanted,
  { target, followed }: Context,
  before: number | null,
  { earliest, latest }: Bounds,
  times: ReadonlyMap<number, number> | Problem,
): number | Problem {
  if (place.offset !== undefined || target === undefined) return place.offset ?? latest
  switch (target.kind) {
    case 'earliest':
      return earliest
    case 'latest':
      return latest
    case 'offset':
      return target.offset
    case 'time':
      return times instanceof Problem ? times : (times.get(place.partition) ?? latest)
    case 'shift':
      return before === null ? uncommitted('The group', place) : before + target.shift
    case 'group':
      return followed.get(keyOf(place))?.offset ?? uncommitted(`Group ${quoted(target.group)}`, place)
  }
}

function uncommitted(who: string, { topic, partition }: TopicPartition): Problem {
  const detail = `${who} has no offset to go by in partition ${partition} of topic ${topic}.`
  return new Problem('offset_not_committed', { detail })
}

function leaderless({ topic, partition }: TopicPartition): Problem {
  const detail = `Partition ${partition} of topic ${topic} has no leader that answers.`
  return new Problem('kafka_unavailable', { detail })
}

function isGone(problem: Problem | undefined): boolean {
  return problem?.code === 'topic_not_found' || problem?.code === 'partition_not_found'
}

function byKey(committed: readonly Committed[]): Map<string, Committed> {
  return new Map(committed.map((entry) => [keyOf(entry), entry]))
}
