import type { Cluster, TopicInfo } from '../../cluster.ts'
import type { Deadline } from '../../deadline.ts'
import { isConnectionError, KafkaCode } from '../../errors.ts'
import { Problem } from '../../../problems/problem.ts'
import { listOffsets } from '../../wire/apis.ts'
import type { Isolation } from '../../wire/fetch.ts'

const EARLIEST = -2n
const LATEST = -1n

/** Where a partition's log starts and where the next record goes. */
export interface Bounds {
  readonly earliest: number
  readonly latest: number
}

/**
 * The bounds of every partition that has a leader which answers, by partition number. One round: two requests to each
 * leader, since Kafka refuses a partition named twice in one. Under read_committed the latest is the last stable offset.
 * @throws Problem internal_error for an offset past 2^53-1; nothing for a broker that fails, whose partitions are missing
 */
export async function boundsOf(
  cluster: Cluster,
  topic: TopicInfo,
  deadline: Deadline,
  isolation: Isolation = 'read_uncommitted',
): Promise<Map<number, Bounds>> {
  const bounds = new Map<number, Bounds>()
  const byLeader = Map.groupBy(
    topic.partitions.filter((p) => p.leader >= 0),
    (p) => p.leader,
  )
  await Promise.all(
    [...byLeader].map(async ([leader, partitions]) => {
      const numbers = partitions.map((p) => p.partition)
      const ask = (timestamp: bigint) => askLeader(cluster, leader, topic.name, numbers, timestamp, isolation)
      const [earliest, latest] = await deadline
        .within(Promise.all([ask(EARLIEST), ask(LATEST)]))
        .catch((error: unknown) => {
          if (isUnanswered(error)) return []
          throw error
        })
      for (const number of numbers) {
        const [first, next] = [earliest?.get(number), latest?.get(number)]
        if (first !== undefined && next !== undefined) bounds.set(number, { earliest: first, latest: next })
      }
    }),
  )
  return bounds
}

function isUnanswered(error: unknown): boolean {
  return isConnectionError(error) || (error instanceof Problem && error.code === 'kafka_unavailable')
}

/** One offset of each partition whose leader this broker still is. */
async function askLeader(
  cluster: Cluster,
  leader: number,
  name: string,
  partitions: readonly number[],
  timestamp: bigint,
  isolation: Isolation,
): Promise<Map<number, number>> {
  const connection = await cluster.control(leader)
  const level = isolation === 'read_committed' ? 1 : 0
  const answer = await connection.call(listOffsets, -1, level, [
    {
      name,
      partitions: partitions.map((partitionIndex) => ({ partitionIndex, currentLeaderEpoch: -1, timestamp })),
    },
  ])
  const offsets = new Map<number, number>()
  for (const { partitionIndex, errorCode, offset } of answer.topics[0]?.partitions ?? []) {
    if (errorCode === KafkaCode.NONE) offsets.set(partitionIndex, toSafeOffset(offset))
  }
  return offsets
}

/** @throws Problem internal_error rather than a rounded number */
function toSafeOffset(offset: bigint): number {
  if (offset > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new Problem('internal_error', { cause: `offset ${offset} is past 2^53-1` })
  }
  return Number(offset)
}
