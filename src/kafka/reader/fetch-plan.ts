import type { TopicInfo } from '../cluster.ts'
import type { FetchRequest, Isolation } from '../wire/fetch.ts'

const MIN_FETCH_BYTES = 65_536
const MAX_FETCH_BYTES = 1_048_576
const MIN_PARTITION_BYTES = 16_384
/** What a record is taken to be like, to fetch little where little is asked for; where that was too little, more is fetched. */
const USUAL_RECORD_BYTES = 1_024

export interface FetchPlan {
  readonly topic: TopicInfo
  readonly partitions: readonly { readonly partition: number; readonly position: number }[]
  readonly isolation: Isolation
  readonly maxWaitMs: number
  /** How many more records are wanted. */
  readonly records: number
}

/** The fetch for each leader of some partitions, by its node id; -1 for those without a leader. */
export function planFetches(plan: FetchPlan): Map<number, FetchRequest> {
  const { topic, isolation, maxWaitMs } = plan
  const byLeader = Map.groupBy(plan.partitions, (p) => topic.partitions[p.partition]?.leader ?? -1)
  const wanted = Math.min(plan.records * USUAL_RECORD_BYTES, MAX_FETCH_BYTES)
  const fetches = new Map<number, FetchRequest>()
  for (const [leader, own] of byLeader) {
    const atLeast = Math.min(own.length * MIN_PARTITION_BYTES, MAX_FETCH_BYTES)
    const maxBytes = Math.max(wanted, atLeast, MIN_FETCH_BYTES)
    const share = Math.max(Math.ceil(maxBytes / own.length), MIN_PARTITION_BYTES)
    const partitions = own.map(({ partition, position }) => ({
      partition,
      leaderEpoch: topic.partitions[partition]?.leaderEpoch ?? -1,
      offset: position,
      maxBytes: share,
    }))
    fetches.set(leader, { isolation, maxWaitMs, maxBytes, topics: [{ topicId: topic.id, partitions }] })
  }
  return fetches
}
