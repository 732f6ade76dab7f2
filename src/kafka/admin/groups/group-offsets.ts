import type { Problem } from '../../../problems/problem.ts'
import type { Cluster } from '../../cluster.ts'
import { Deadline } from '../../deadline.ts'
import { keyOf, type TopicPartition } from '../../topic-partition.ts'
import { Gate } from '../../reader/gate.ts'
import type { Isolation } from '../../wire/fetch.ts'
import { SETTLE_MS, TIMEOUT_MS } from '../timeouts.ts'
import type { Bounds } from '../topics/topic-offsets.ts'
import { type Committed, committedOffsets, inOrder } from './committed.ts'
import { describeGroup, type GroupDescription } from './describe-group.ts'

import { AT_ONCE, boundsIn, type FoundTopic, findTopics, partitionProblem } from './group-topics.ts'
import { nextRecordTimes } from './next-record-time.ts'
import { refuseShareGroup } from './refusals.ts'

/** Where a group is in a partition, and how far behind. */
export interface GroupOffset extends TopicPartition {
  /** The next record to read; null where nothing is committed. */
  readonly offset: number | null
  readonly metadata: string | null
  /** Missing where the partition is gone, or its leader did not answer in time. */
  readonly bounds: Bounds | undefined
  /** Offsets up to the latest; null where it is not known. */
  readonly lag: number | null
  /** Age of the next record to read, ms; null where none waits, or it was not found in time. */
  readonly lagMs: number | null
  /** The id of the member that has it now. */
  readonly member: string | null
  /** Why there is no more to tell. */
  readonly problem: Problem | undefined
}

export interface GroupOffsets {
  readonly offsets: readonly GroupOffset[]
  /** All that the group has committed, whichever topics were asked for. */
  readonly committed: readonly Committed[]
}

/** The most partitions whose next record is looked for; the age of the others' is not told. */
const MAX_DATED = 2_000

/**
 * Where a group is in every partition that it has committed in or is reading.
 * @param topics those to show; all where empty
 * @throws Problem group_not_found, group_type_unsupported, kafka_authorization, kafka_unavailable, kafka_auth_failed
 */
export async function describeOffsets(
  cluster: Cluster,
  group: string,
  { topics, isolation }: { readonly topics: readonly string[]; readonly isolation: Isolation },
): Promise<GroupOffsets> {
  const deadline = new Deadline(TIMEOUT_MS)
  const [description, committed] = await Promise.all([
    describeGroup(cluster, group, deadline),
    committedOffsets(cluster, group, deadline),
  ])
  refuseShareGroup(description)
  const places = placesOf(description, committed).filter(
    ({ topic }) => topics.length === 0 || topics.includes(topic),
  )
  const byTopic = Map.groupBy(places, ({ topic }) => topic)
  const settle = deadline.slice(SETTLE_MS)
  const found = await findTopics(cluster, [...byTopic.keys()], deadline)
  const gate = new Gate(AT_ONCE)
  let dated = MAX_DATED
  const offsets = await Promise.all(
    [...byTopic].map(([topic, own]) => {
      const share = own.slice(0, Math.max(0, dated))
      dated -= share.length
      return gate.within(() => locate(cluster, found.get(topic)!, own, new Set(share), isolation, settle))
    }),
  )
  return { offsets: offsets.flat(), committed }
}

interface Place extends TopicPartition {
  readonly committed: Committed | undefined
  readonly member: string | null
}

/** Every partition that is committed or assigned, in order. */
function placesOf({ members }: GroupDescription, committed: readonly Committed[]): Place[] {
  const places = new Map<string, Place>()
  for (const { topic, partition, ...offset } of committed) {
    const place = { topic, partition }
    places.set(keyOf(place), { ...place, committed: { ...place, ...offset }, member: null })
  }
  for (const { member, assignments } of members ?? []) {
    for (const { topic, partitions } of assignments ?? []) {
      for (const partition of partitions) {
        const place = { topic, partition }
        places.set(keyOf(place), { ...place, committed: places.get(keyOf(place))?.committed, member })
      }
    }
  }
  return [...places.values()].sort(inOrder)
}

/** What there is to tell of one topic's partitions. */
async function locate(
  cluster: Cluster,
  found: FoundTopic,
  places: readonly Place[],
  dated: ReadonlySet<Place>,
  isolation: Isolation,
  deadline: Deadline,
): Promise<GroupOffset[]> {
  const { topic: info, bounds } =
    'topic' in found
      ? await boundsIn(cluster, found.topic, places, isolation, deadline)
      : { topic: undefined, bounds: new Map<number, Bounds>() }
  const waiting = new Map<number, number>()
  for (const place of places) {
    const { earliest = 0, latest = 0 } = bounds.get(place.partition) ?? {}
    const offset = place.committed?.offset ?? null
    if (offset === null || offset >= latest || !dated.has(place)) continue
    // What retention has removed is not what it will read next.
    waiting.set(place.partition, Math.max(offset, earliest))
  }
  const times =
    info === undefined
      ? new Map<number, number>()
      : await nextRecordTimes(cluster, info, waiting, isolation, deadline)
  const now = Date.now()
  return places.map(({ topic, partition, committed, member }): GroupOffset => {
    const offset = committed?.offset ?? null
    const own = bounds.get(partition)
    const time = times.get(partition)
    return {
      topic,
      partition,
      offset,
      metadata: committed?.metadata ?? null,
      bounds: own,
      lag: offset === null || own === undefined ? null : Math.max(0, own.latest - offset),
      lagMs: time === undefined ? null : Math.max(0, now - time),
      member,
      problem: partitionProblem(found, partition, committed),
    }
  })
}
