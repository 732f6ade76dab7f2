import { Problem } from '../../problems/problem.ts'
import type { Cluster } from '../cluster.ts'
import type { Deadline } from '../deadline.ts'
import { KafkaCode, problemFromKafkaCode } from '../errors.ts'
import { findBounds } from '../reader/offset-finder.ts'
import { tryFetch } from '../reader/try-fetch.ts'
import { type BatchHeader, readBatchHeaders } from '../wire/batch-headers.ts'
import { PartitionLeader } from './partition-leader.ts'
import type { PartitionTarget } from './partition-leader.ts'
import type { ProducerToken } from './producer-token.ts'
import type { SequenceRange } from './sequence-rules.ts'

/** Where the log holds one of a range's sequence numbers. */
export interface FoundBatch {
  readonly baseOffset: number
  /** The batch has just these numbers. */
  readonly exact: boolean
}

/** How far back the log is looked through, in records and bytes: far more than a client repeats, and soon read. */
const MOST_RECORDS = 10_000
const MOST_BYTES = 16_777_216
const FETCH_BYTES = 1_048_576

/**
 * Looks through the end of a partition for a batch that the broker does not know again. Undefined where there is none, or
 * it lies further back.
 * @throws Problem kafka_unavailable, kafka_authorization; as PartitionLeader.now
 */
export async function findInLog(
  cluster: Cluster,
  target: PartitionTarget & ProducerToken,
  range: SequenceRange,
  deadline: Deadline,
): Promise<FoundBatch | undefined> {
  const { topic, topicId, partition } = target
  const info = await deadline.within(cluster.topic(topic))
  if (info?.id !== topicId) return undefined
  const bounds = await findBounds(cluster, info, [partition], 'read_uncommitted', deadline)
  const { earliest, latest } = bounds.get(partition)!
  const leader = new PartitionLeader(cluster, target, deadline)
  let at = Math.max(earliest, latest - MOST_RECORDS)
  let bytes = 0
  while (at < latest && bytes < MOST_BYTES) {
    const fetching = tryFetch(cluster, await leader.now(), {
      maxWaitMs: 0,
      maxBytes: FETCH_BYTES,
      isolation: 'read_uncommitted',
      topics: [{ topicId, partitions: [{ partition, leaderEpoch: -1, offset: at, maxBytes: FETCH_BYTES }] }],
    })
    const answer = await deadline.within(fetching)
    const fetched = answer instanceof Problem ? undefined : answer.partitions[0]!
    if (fetched?.errorCode === KafkaCode.OFFSET_OUT_OF_RANGE) return undefined
    const headers = fetched?.errorCode === KafkaCode.NONE ? readBatchHeaders(fetched.records ?? empty) : []
    const found = headers.find((header) => overlaps(header, target, range))
    if (found !== undefined) {
      const exact = found.baseSequence === range.first && lastSequence(found) === range.last
      return { baseOffset: found.baseOffset, exact }
    }
    if (headers.length > 0) {
      at = headers.at(-1)!.lastOffset + 1
      bytes += fetched!.records!.length
    } else if (!(await leader.again())) {
      throw answer instanceof Problem ? answer : problemFromKafkaCode(fetched!.errorCode)
    }
  }
  return undefined
}

const empty = Buffer.alloc(0)

function lastSequence({ baseOffset, lastOffset, baseSequence }: BatchHeader): number {
  return baseSequence + lastOffset - baseOffset
}

function overlaps(
  header: BatchHeader,
  { producerId, producerEpoch }: ProducerToken,
  range: SequenceRange,
): boolean {
  if (header.producerId !== producerId || header.producerEpoch !== producerEpoch) return false
  return header.baseSequence <= range.last && lastSequence(header) >= range.first
}
