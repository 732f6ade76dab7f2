import { setTimeout as pause } from 'node:timers/promises'
import type { AssignedPartition } from '../kafka/group/types.ts'
import type { PartitionPosition } from '../kafka/record-reader.ts'
import { Problem } from '../problems/problem.ts'
import type { Claims } from './claims.ts'
import { keyOf } from '../kafka/topic-partition.ts'

/** Before Kafka is asked again where to start, ms. */
const RETRY_MS = 200

export interface TakeUpSteps {
  /** Where to start partitions of one topic. @throws Problem */
  find(topic: string, partitions: readonly AssignedPartition[]): Promise<readonly PartitionPosition[]>
  /** Reading may begin; never for a partition that was taken meanwhile. */
  begin(positions: readonly PartitionPosition[]): void
}

/**
 * Finds where to start the partitions of a member, and starts. While Kafka can't say, it is asked again, for as long as
 * the claims hold that the partitions had at first.
 * @throws Problem where it will not say
 */
export async function takeUp(
  partitions: readonly AssignedPartition[],
  claims: Claims,
  stopped: AbortSignal,
  { find, begin }: TakeUpSteps,
): Promise<void> {
  let open = partitions.flatMap((partition) => {
    const claim = claims.get(partition)
    return claim === undefined ? [] : [{ partition, claim }]
  })
  while (open.length > 0) {
    const byTopic = Map.groupBy(
      open.map(({ partition }) => partition),
      ({ topic }) => topic,
    )
    const found = new Map<string, PartitionPosition>()
    const failed = new Map<string, unknown>()
    await Promise.all(
      [...byTopic].map(async ([topic, own]) => {
        try {
          for (const position of await find(topic, own)) found.set(keyOf(position), position)
        } catch (error) {
          failed.set(topic, error)
        }
      }),
    )
    if (stopped.aborted) return
    // Taken while we waited, or taken and had again, which is another claim with a start of its own.
    open = open.filter(({ claim }) => claims.has(claim))
    const starts = open.flatMap(({ partition }) => found.get(keyOf(partition)) ?? [])
    if (starts.length > 0) begin(starts)
    open = open.filter(({ partition }) => !found.has(keyOf(partition)))
    for (const { partition } of open) throwUnlessPassing(failed.get(partition.topic))
    if (open.length > 0) await pause(RETRY_MS)
    open = open.filter(({ claim }) => claims.has(claim))
  }
}

/** @throws the error, where there is one and no other try can mend it */
function throwUnlessPassing(error: unknown): void {
  if (error === undefined) return
  // A topic that is gone takes its partitions with it soon; a partition that was taken is not asked for again.
  const isPassing =
    error instanceof Problem &&
    (error.row.retryable || error.code === 'topic_not_found' || error.code === 'stale_member')
  if (!isPassing) throw error
}
