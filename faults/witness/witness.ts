import { setTimeout as pause } from 'node:timers/promises'
import { type Admin, type IHeaders, Kafka, logLevel } from 'kafkajs'
import type { LogRecord } from '../checker/log.ts'
import { digestOf, ID, MARK } from '../history/record.ts'
import { CommittedRecords, type RawMessage } from './committed-records.ts'

const client = (bootstrap: string) =>
  new Kafka({
    clientId: 'witness',
    brokers: bootstrap.split(','),
    logLevel: logLevel.NOTHING,
    connectionTimeout: 15_000,
    requestTimeout: 60_000,
    retry: { retries: 30, maxRetryTime: 2_000 },
  })

/** Makes topics of three replicas, of which two must have a record. */
export async function makeTopics(
  bootstrap: string,
  names: readonly string[],
  partitions: number,
  configs: Readonly<Record<string, string>> = {},
): Promise<void> {
  const all = { 'min.insync.replicas': '2', ...configs }
  await withAdmin(bootstrap, (admin) =>
    admin.createTopics({
      topics: names.map((topic) => ({
        topic,
        numPartitions: partitions,
        replicationFactor: 3,
        configEntries: Object.entries(all).map(([name, value]) => ({ name, value })),
      })),
      // kafkajs gives up when a broker does not know of them yet.
      waitForLeaders: false,
    }),
  )
  for (let tries = 0; !(await isWhole(bootstrap, names)); tries++) {
    if (tries === READY_TRIES) throw new Error(`${names.join()} are not there on all brokers`)
    await pause(200)
  }
}

const READY_TRIES = 300

export async function deleteTopics(bootstrap: string, topics: readonly string[]): Promise<void> {
  await withAdmin(bootstrap, (admin) => admin.deleteTopics({ topics: [...topics] }))
}

/** Removes the records of each partition before an offset. */
export async function deleteRecords(
  bootstrap: string,
  topic: string,
  offsets: readonly number[],
): Promise<void> {
  const partitions = offsets.map((offset, partition) => ({ partition, offset: String(offset) }))
  await withAdmin(bootstrap, async (admin) => {
    // Else kafkajs does not know who leads them.
    await admin.fetchTopicOffsets(topic)
    await admin.deleteTopicRecords({ topic, partitions })
  })
}

/** Whether every partition of the topics has all its replicas in sync. */
export async function isWhole(bootstrap: string, topics: readonly string[]): Promise<boolean> {
  try {
    const metadata = await withAdmin(bootstrap, (admin) => admin.fetchTopicMetadata({ topics: [...topics] }))
    return metadata.topics.every(({ partitions }) =>
      partitions.every(({ isr, leader }) => isr.length === 3 && leader >= 0),
    )
  } catch {
    return false
  }
}

/** The node that leads a partition. */
export async function leaderOf(bootstrap: string, topic: string, partition = 0): Promise<number> {
  return (await partitionsOf(bootstrap, [topic]))[partition]!.leader
}

/** The nodes that lead the partitions of topics, in order; -1 where none does. */
export async function leadersOf(bootstrap: string, topics: readonly string[]): Promise<number[]> {
  return (await partitionsOf(bootstrap, topics)).map(({ leader }) => leader)
}

/**
 * Has another replica of each partition preferred as its leader. Where the controller elects preferred leaders every second
 * (`leader.imbalance.check.interval.seconds`) it leads soon after.
 */
export async function preferOthers(bootstrap: string, topics: readonly string[]): Promise<void> {
  const partitions = await partitionsOf(bootstrap, topics)
  await withAdmin(bootstrap, (admin) =>
    admin.alterPartitionReassignments({
      topics: topics.map((topic) => ({
        topic,
        partitionAssignment: partitions
          .filter((one) => one.topic === topic)
          .map(({ partition, leader, replicas }) => ({
            partition,
            replicas: [...replicas.filter((node) => node !== leader), leader],
          })),
      })),
    }),
  )
}

async function partitionsOf(bootstrap: string, names: readonly string[]) {
  const { topics } = await withAdmin(bootstrap, (admin) => admin.fetchTopicMetadata({ topics: [...names] }))
  return topics
    .flatMap(({ name: topic, partitions }) =>
      partitions.map(({ partitionId: partition, leader, replicas }) => ({
        topic,
        partition,
        leader,
        replicas,
      })),
    )
    .sort((a, b) => a.topic.localeCompare(b.topic) || a.partition - b.partition)
}

/** The node that coordinates a group. */
export async function coordinatorOf(bootstrap: string, groupId: string): Promise<number> {
  const cluster = (await withAdmin(bootstrap, (admin) => admin.describeGroups([groupId]))).groups[0]
  if (cluster === undefined) throw new Error(`there is no group ${groupId}`)
  // kafkajs does not say whom it asked: the partition of Kafka's own topic that holds the group does.
  return leaderOf(bootstrap, '__consumer_offsets', Math.abs(hashCode(groupId)) % OFFSETS_PARTITIONS)
}

/** As dev/kafka makes Kafka's own topics. */
const OFFSETS_PARTITIONS = 3

/** Java's String.hashCode, by which Kafka places groups. */
function hashCode(text: string): number {
  return [...text].reduce((hash, letter) => (Math.imul(31, hash) + letter.charCodeAt(0)) | 0, 0)
}

/** Where a group resumes in each partition; none where it has committed nothing. */
export async function committedOffsets(
  bootstrap: string,
  groupId: string,
  topics: readonly string[],
): Promise<Map<string, number>> {
  const found = await withAdmin(bootstrap, (admin) => admin.fetchOffsets({ groupId, topics: [...topics] }))
  const all = found.flatMap(({ topic, partitions }) =>
    partitions.map(({ partition, offset }) => [`${topic}/${partition}`, Number(offset)] as const),
  )
  return new Map(all.filter(([, offset]) => offset >= 0))
}

/** The offset of the next record in each partition. */
export async function endOffsets(bootstrap: string, topic: string): Promise<number[]> {
  const found = await withAdmin(bootstrap, (admin) => admin.fetchTopicOffsets(topic))
  return found.toSorted((a, b) => a.partition - b.partition).map(({ offset }) => Number(offset))
}

async function withAdmin<T>(bootstrap: string, use: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = client(bootstrap).admin()
  await admin.connect()
  try {
    return await use(admin)
  } finally {
    await admin.disconnect()
  }
}

const READ_MS = 240_000

/**
 * Every committed record of the topics, read by a client that shares no code with the gateway, up to a mark that this
 * client writes behind them. A transaction that is open there counts as aborted.
 */
export async function readLog(bootstrap: string, topics: readonly string[]): Promise<LogRecord[]> {
  const kafka = client(bootstrap)
  const left = await writeMarks(kafka, topics)
  const records: LogRecord[] = []
  const consumer = kafka.consumer({
    groupId: `witness-${process.pid}-${Date.now()}`,
    maxWaitTimeInMs: 200,
    readUncommitted: true,
  })
  await consumer.connect()
  const { promise: done, resolve, reject } = Promise.withResolvers<void>()
  consumer.on('consumer.crash', ({ payload }) => {
    if (!payload.restart) reject(payload.error)
  })
  for (const topic of topics) await consumer.subscribe({ topic, fromBeginning: true })
  const partitions = new Map([...left].map((name) => [name, new CommittedRecords()]))
  await consumer.run({
    eachBatch: ({ batch }) => {
      const { topic, partition } = batch
      const name = `${topic}/${partition}`
      // All of them, control records included: not in the types of kafkajs.
      const { rawMessages } = batch as unknown as { readonly rawMessages: readonly RawMessage[] }
      for (const message of partitions.get(name)?.take(rawMessages) ?? []) {
        if (!left.has(name)) break
        const { key, value, offset, timestamp } = message
        const headers = pairsOf(message.headers ?? {})
        const id = headers.find(([header]) => header === ID)?.[1].toString() ?? String(value)
        const digest = digestOf({ key, value, headers, timestamp: Number(timestamp) })
        records.push({ topic, partition, offset: Number(offset), id, digest })
        if (id === MARK) left.delete(name)
      }
      if (left.size === 0) resolve()
      return Promise.resolve()
    },
  })
  const timer = setTimeout(
    () => reject(new Error(`${left.size} partitions could not be read to their end`)),
    READ_MS,
  )
  await done.finally(() => clearTimeout(timer))
  await consumer.disconnect()
  return records
}

function pairsOf(headers: IHeaders): [string, Buffer][] {
  return Object.entries(headers).flatMap(([name, value]) =>
    [value].flat().map((one): [string, Buffer] => [name, Buffer.from(one ?? '')]),
  )
}

async function writeMarks(kafka: Kafka, topics: readonly string[]): Promise<Set<string>> {
  const admin = kafka.admin()
  await admin.connect()
  const metadata = await admin.fetchTopicMetadata({ topics: [...topics] })
  await admin.disconnect()
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  const marked = new Set<string>()
  for (const { name: topic, partitions } of metadata.topics) {
    const messages = partitions.map(({ partitionId: partition }) => ({ value: MARK, partition }))
    await producer.send({ topic, messages })
    for (const { partition } of messages) marked.add(`${topic}/${partition}`)
  }
  await producer.disconnect()
  return marked
}
