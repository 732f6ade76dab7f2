import { Problem } from '../../problems/problem.ts'
import type { Cluster, TopicInfo } from '../cluster.ts'
import type { Deadline } from '../deadline.ts'
import { KafkaCode, problemFromKafka, problemFromKafkaCode } from '../errors.ts'
import { listOffsets } from '../wire/apis.ts'
import type { Isolation } from '../wire/fetch.ts'

/** A place in a partition: its first offset, the next to be written, or the first record of this time or later, ms. */
export type Place = 'earliest' | 'latest' | { readonly timestamp: number }

const RETRY_PAUSE_MS = 100

/** What the request's timestamp says for a place. */
function toWire(place: Place): bigint {
  if (place === 'earliest') return -2n
  if (place === 'latest') return -1n
  // Below 0 stand places, not times; no record is older than 1970.
  return BigInt(Math.max(0, place.timestamp))
}

/**
 * The offset of one place in each of these partitions; under read_committed the latest is the last stable offset. No
 * entry where no record is of that time or later. Asks each leader, and again where leaders moved, until the deadline.
 * @throws Problem kafka_unavailable, topic_not_found where the topic is gone or another by now, kafka_authorization
 */
export async function findOffsets(
  cluster: Cluster,
  topic: TopicInfo,
  partitions: readonly number[],
  place: Place,
  isolation: Isolation,
  deadline: Deadline,
): Promise<Map<number, number>> {
  const found = new Map<number, number>()
  let missing = partitions
  let info: TopicInfo | undefined = topic
  for (;;) {
    const failure = await askLeaders(cluster, info, missing, toWire(place), isolation, deadline, found)
    if (failure === undefined) return new Map([...found].filter(([, offset]) => offset >= 0))
    if (failure.code !== 'kafka_unavailable' && failure.code !== 'topic_not_found') throw failure
    if (deadline.passed) throw failure
    missing = partitions.filter((p) => !found.has(p))
    await deadline.pause(RETRY_PAUSE_MS)
    info = await deadline.within(cluster.refreshTopic(topic.name))
    if (info === undefined || info.id !== topic.id) throw new Problem('topic_not_found')
  }
}

/** Where a partition's log starts and where the next record goes. */
export interface Bounds {
  readonly earliest: number
  readonly latest: number
}

/** The bounds of these partitions. @throws as findOffsets */
export async function findBounds(
  cluster: Cluster,
  topic: TopicInfo,
  partitions: readonly number[],
  isolation: Isolation,
  deadline: Deadline,
): Promise<Map<number, Bounds>> {
  const ask = (place: Place) => findOffsets(cluster, topic, partitions, place, isolation, deadline)
  const [earliest, latest] = await Promise.all([ask('earliest'), ask('latest')])
  return new Map(partitions.map((p) => [p, { earliest: earliest.get(p) ?? 0, latest: latest.get(p) ?? 0 }]))
}

/** Adds what the leaders answer to `found`; the problem of one that did not, where there was one. */
async function askLeaders(
  cluster: Cluster,
  topic: TopicInfo,
  partitions: readonly number[],
  timestamp: bigint,
  isolation: Isolation,
  deadline: Deadline,
  found: Map<number, number>,
): Promise<Problem | undefined> {
  const byLeader = Map.groupBy(partitions, (p) => topic.partitions[p]?.leader ?? -1)
  const failures = await Promise.all(
    [...byLeader].map(async ([leader, numbers]): Promise<Problem | undefined> => {
      try {
        const connection = await deadline.within(cluster.control(leader))
        const wanted = numbers.map((partitionIndex) => ({
          partitionIndex,
          currentLeaderEpoch: -1,
          timestamp,
        }))
        const level = isolation === 'read_committed' ? 1 : 0
        const request = [{ name: topic.name, partitions: wanted }]
        const answer = await deadline.within(connection.call(listOffsets, -1, level, request))
        let failure: Problem | undefined
        for (const { partitionIndex, errorCode, offset } of answer.topics[0]?.partitions ?? []) {
          if (errorCode !== KafkaCode.NONE) failure = problemFromKafkaCode(errorCode)
          else found.set(partitionIndex, toSafeNumber(offset))
        }
        return failure
      } catch (error) {
        return problemFromKafka(error)
      }
    }),
  )
  return failures.find((failure) => failure !== undefined)
}

/** @throws Problem internal_error rather than a rounded number */
function toSafeNumber(offset: bigint): number {
  if (offset <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(offset)
  throw new Problem('internal_error', { cause: `offset ${offset} lies past 2^53-1` })
}
