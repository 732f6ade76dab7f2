import {
  type FetchedRecord,
  keyOf,
  readHeaders,
  type TimestampType,
  valueOf,
} from '../../records/fetched-record.ts'
import type { OutgoingRecord } from '../../records/record.ts'
import { Problem } from '../../problems/problem.ts'
import type { Cluster } from '../cluster.ts'
import type { Deadline } from '../deadline.ts'
import { KafkaCode } from '../errors.ts'
import { findOffsets } from '../reader/offset-finder.ts'
import { tryFetch } from '../reader/try-fetch.ts'
import { readRecordBatches } from '../wire/record-batch-reader.ts'
import { PartitionLeader, type PartitionTarget } from './partition-leader.ts'

/** What the log holds where a batch is said to be. */
export interface LoggedBatch {
  /** None of its records differs from those given: they are the same, or are gone (retention, compaction). */
  readonly same: boolean
  /** The first record that is still there. */
  readonly first: Pick<FetchedRecord, 'offset' | 'timestamp' | 'timestampType'> | undefined
}

/** At least one batch comes whatever its size (KIP-74), and one batch is all that is wanted. */
const FETCH_BYTES = 65_536

/**
 * Holds records against those in the log from an offset on: key, value, headers, and a timestamp that was given.
 * @throws Problem kafka_unavailable at the deadline; as PartitionLeader.now
 */
export async function compareWithLog(
  cluster: Cluster,
  target: PartitionTarget,
  baseOffset: number,
  records: readonly OutgoingRecord[],
  deadline: Deadline,
): Promise<LoggedBatch> {
  const logged = await fetchRecords(cluster, target, baseOffset, baseOffset + records.length, deadline)
  const same = logged.every((record) => isSame(records[record.offset - baseOffset]!, record))
  return { same, first: logged[0] }
}

/** The records of one batch, from an offset to one past it, as far as they are still there. */
async function fetchRecords(
  cluster: Cluster,
  target: PartitionTarget,
  from: number,
  end: number,
  deadline: Deadline,
): Promise<FetchedRecord[]> {
  const { topicId, partition } = target
  const leader = new PartitionLeader(cluster, target, deadline)
  let at = from
  do {
    const nodeId = await leader.now()
    const fetching = tryFetch(cluster, nodeId, {
      maxWaitMs: 0,
      maxBytes: FETCH_BYTES,
      isolation: 'read_uncommitted',
      topics: [{ topicId, partitions: [{ partition, leaderEpoch: -1, offset: at, maxBytes: FETCH_BYTES }] }],
    })
    const answer = await deadline.within(fetching)
    if (answer instanceof Problem) {
      if (answer.code !== 'kafka_unavailable') throw answer
      continue
    }
    const fetched = answer.partitions[0]!
    if (fetched.errorCode === KafkaCode.OFFSET_OUT_OF_RANGE) {
      at = Math.max(at, await earliestOffset(cluster, target, deadline))
      if (at >= end) return []
    } else if (fetched.errorCode === KafkaCode.NONE && fetched.records !== null) {
      const { records, nextOffset, fault } = readRecordBatches(fetched.records, { from: at })
      // Nothing yet: a new leader has to hear that its followers have it.
      if (nextOffset > at || fault !== undefined) return records.filter(({ offset }) => offset < end)
    }
  } while (await leader.again())
  throw new Problem('kafka_unavailable', { detail: 'The log could not be read in time.' })
}

async function earliestOffset(
  cluster: Cluster,
  { topic, topicId, partition }: PartitionTarget,
  deadline: Deadline,
): Promise<number> {
  const info = await deadline.within(cluster.topic(topic))
  if (info?.id !== topicId) return 0
  const found = await findOffsets(cluster, info, [partition], 'earliest', 'read_uncommitted', deadline)
  return found.get(partition) ?? 0
}

function isSame(given: OutgoingRecord, logged: FetchedRecord): boolean {
  const headers = readHeaders(logged)
  const { bytes } = logged
  return (
    isSameBytes(given.key, keyOf(logged)) &&
    isSameBytes(given.value, valueOf(logged)) &&
    isSameTime(given.timestamp, logged.timestamp, logged.timestampType) &&
    given.headers.length === headers.length &&
    given.headers.every(({ name, value }, i) => {
      const { nameStart, nameEnd, valueStart, valueEnd } = headers[i]!
      const loggedValue = valueStart < 0 ? null : bytes.subarray(valueStart, valueEnd)
      return name.equals(bytes.subarray(nameStart, nameEnd)) && isSameBytes(value, loggedValue)
    })
  )
}

function isSameBytes(a: Buffer | null, b: Buffer | null): boolean {
  return a === null || b === null ? a === b : a.equals(b)
}

/** A time that was not given was the moment of a try, and each try has another; the broker's time is nobody's choice. */
function isSameTime(given: number | undefined, logged: number | bigint, type: TimestampType): boolean {
  return given === undefined || type === 'LogAppendTime' || given === logged
}
