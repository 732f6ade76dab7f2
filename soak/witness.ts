import { type Admin, Kafka, logLevel } from 'kafkajs'
import { CommittedRecords, type RawMessage } from './committed-records.ts'
import type { Logged } from './history.ts'

const client = (bootstrap: string) =>
  new Kafka({
    clientId: 'witness',
    brokers: bootstrap.split(','),
    logLevel: logLevel.NOTHING,
    retry: { retries: 30, maxRetryTime: 2_000 },
  })

/** Makes topics of three replicas, of which two must have a record. */
export async function makeTopics(
  bootstrap: string,
  names: readonly string[],
  partitions: number,
): Promise<void> {
  await withAdmin(bootstrap, (admin) =>
    admin.createTopics({
      waitForLeaders: true,
      topics: names.map((topic) => ({
        topic,
        numPartitions: partitions,
        replicationFactor: 3,
        configEntries: [{ name: 'min.insync.replicas', value: '2' }],
      })),
    }),
  )
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

/** Where a group resumes in each partition; -1 where it has committed nothing. */
export async function committedOffsets(bootstrap: string, groupId: string, topic: string): Promise<number[]> {
  const [found] = await withAdmin(bootstrap, (admin) => admin.fetchOffsets({ groupId, topics: [topic] }))
  return byPartition(found!.partitions)
}

/** The offset of the next record in each partition. */
export async function endOffsets(bootstrap: string, topic: string): Promise<number[]> {
  return byPartition(await withAdmin(bootstrap, (admin) => admin.fetchTopicOffsets(topic)))
}

function byPartition(found: readonly { partition: number; offset: string }[]): number[] {
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

/**
 * Every committed record of the topics, read by a client that shares no code with the gateway, up to a mark that this
 * client writes behind them. A transaction that is open there counts as aborted.
 */
export async function readLog(bootstrap: string, topics: readonly string[]): Promise<Logged[]> {
  const kafka = client(bootstrap)
  const left = await writeMarks(kafka, topics)
  const records: Logged[] = []
  const consumer = kafka.consumer({
    groupId: `soak-${process.pid}-${Date.now()}`,
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
      for (const { offset, value, timestamp } of partitions.get(name)?.take(rawMessages) ?? []) {
        const text = String(value)
        if (text === MARK) left.delete(name)
        else if (left.has(name)) {
          records.push({
            topic,
            partition,
            offset: Number(offset),
            value: text,
            timestamp: Number(timestamp),
          })
        }
      }
      if (left.size === 0) resolve()
      return Promise.resolve()
    },
  })
  const timer = setTimeout(
    () => reject(new Error(`${left.size} partitions could not be read to their end`)),
    120_000,
  )
  await done.finally(() => clearTimeout(timer))
  await consumer.disconnect()
  return records
}

const MARK = 'the end of the run'

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
