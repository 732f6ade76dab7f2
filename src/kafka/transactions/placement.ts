import { Problem, type ProblemPart } from '../../problems/problem.ts'
import type { Cluster, TopicInfo } from '../cluster.ts'
import type { Deadline } from '../deadline.ts'
import { problemFromKafka } from '../errors.ts'
import { partitionForKey } from '../wire/murmur2.ts'
import { recordSizeBound, type StampedRecord } from '../wire/record-batch-writer.ts'
import type { TransactionRecord, TransactionRequest } from './types.ts'

/** The records of one transaction that go to one partition. */
export interface PartitionRecords {
  readonly topic: string
  readonly partition: number
  readonly records: StampedRecord[]
  /** The place of each in the request. */
  readonly indexes: number[]
}

const LOOK_UP_INTERVAL_MS = 100
/** Records without a key turn to another partition past this, bytes, as those of the write path do. */
const STICKY_BYTES = 262_144
const MAX_REPORTED = 20

/**
 * Finds every topic that a transaction names and the partition of each of its records, by Java's rule.
 * @throws Problem topic_not_found or partition_not_found, with a pointer for each member at fault; kafka_unavailable and
 * its like where a topic could not be looked up
 */
export async function placeRecords(
  cluster: Cluster,
  { records, offsets }: TransactionRequest,
  deadline: Deadline,
): Promise<PartitionRecords[]> {
  /** Where a topic is named, and with which partition. */
  const mentions = [
    ...records.map(({ topic, record: { partition } }, i) => ({ topic, partition, at: `/records/${i}` })),
    ...(offsets?.offsets ?? []).map(({ topic, partition }, i) => ({
      topic,
      partition,
      at: `/offsets/offsets/${i}`,
    })),
  ]
  const topics = new Map<string, TopicInfo | undefined>()
  const names = [...new Set(mentions.map(({ topic }) => topic))]
  await Promise.all(names.map(async (name) => topics.set(name, await findTopic(cluster, name, deadline))))
  refuse(
    'topic_not_found',
    mentions.filter(({ topic }) => topics.get(topic) === undefined),
    ({ at, topic }) => ({ pointer: `${at}/topic`, reason: `there is no topic ${topic}` }),
  )
  const isMissing = ({ topic, partition }: { topic: string; partition?: number | undefined }) =>
    partition !== undefined && partition >= topics.get(topic)!.partitions.length
  // Partitions may have been added since the topic was last looked at.
  for (const name of new Set(mentions.filter(isMissing).map(({ topic }) => topic))) {
    topics.set(name, (await findTopic(cluster, name, deadline, 'again')) ?? topics.get(name))
  }
  refuse('partition_not_found', mentions.filter(isMissing), ({ at, topic }) => ({
    pointer: `${at}/partition`,
    reason: `topic ${topic} has partitions 0 to ${topics.get(topic)!.partitions.length - 1}`,
  }))
  return divide(records, topics as ReadonlyMap<string, TopicInfo>)
}

function refuse<T>(
  code: 'topic_not_found' | 'partition_not_found',
  guilty: readonly T[],
  part: (one: T) => ProblemPart,
): void {
  if (guilty.length === 0) return
  const errors = guilty.slice(0, MAX_REPORTED).map(part)
  throw new Problem(code, { detail: `${errors[0]!.pointer}: ${errors[0]!.reason}.`, errors })
}

/** Looks a topic up until it is found or known not to exist. @throws Problem */
async function findTopic(
  cluster: Cluster,
  name: string,
  deadline: Deadline,
  again?: 'again',
): Promise<TopicInfo | undefined> {
  for (;;) {
    try {
      return await deadline.within(again === undefined ? cluster.topic(name) : cluster.refreshTopic(name))
    } catch (error) {
      const problem = problemFromKafka(error)
      if (problem.code !== 'kafka_unavailable' || deadline.left <= LOOK_UP_INTERVAL_MS) throw problem
      await deadline.pause(LOOK_UP_INTERVAL_MS)
    }
  }
}

function divide(
  records: readonly TransactionRecord[],
  topics: ReadonlyMap<string, TopicInfo>,
): PartitionRecords[] {
  const now = Date.now()
  const placed = new Map<string, PartitionRecords>()
  const spread = new Map<string, { partition: number; bytes: number }>()
  records.forEach(({ topic, record }, index) => {
    const info = topics.get(topic)!
    const partition = record.partition ?? chosen(topic, record, info)
    const key = `${topic}/${partition}`
    const entry = placed.get(key) ?? { topic, partition, records: [], indexes: [] }
    placed.set(key, entry)
    entry.records.push({ ...record, timestamp: record.timestamp ?? now })
    entry.indexes.push(index)
  })
  return [...placed.values()]

  function chosen(topic: string, record: TransactionRecord['record'], info: TopicInfo): number {
    if (record.key !== null) return partitionForKey(record.key, info.partitions.length)
    let sticky = spread.get(topic)
    if (sticky === undefined || sticky.bytes >= STICKY_BYTES) {
      sticky = { partition: anyPartition(info), bytes: 0 }
      spread.set(topic, sticky)
    }
    sticky.bytes += recordSizeBound(record)
    return sticky.partition
  }
}

/** A partition with a leader, where there is one. */
function anyPartition({ partitions }: TopicInfo): number {
  const led = partitions.filter(({ leader }) => leader >= 0)
  const choice = led.length > 0 ? led : partitions
  return choice[Math.floor(Math.random() * choice.length)]!.partition
}
