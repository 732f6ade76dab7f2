import { randomUUID } from 'node:crypto'
import { type Admin, Kafka, logLevel } from 'kafkajs'
import { inject, onTestFinished, vi } from 'vitest'

/** The run's real Kafka, `host:port`. */
export function brokers(): string {
  return inject('brokers')
}

/** kafkajs: a client that shares no code with the gateway, to witness what is in Kafka. */
export function witness(bootstrap: string = brokers()): Kafka {
  return new Kafka({ clientId: 'witness', brokers: bootstrap.split(','), logLevel: logLevel.NOTHING })
}

/** Runs `use` with a connected kafkajs admin client. */
export async function withAdmin<T>(use: (admin: Admin) => Promise<T>, bootstrap?: string): Promise<T> {
  const admin = witness(bootstrap).admin()
  await admin.connect()
  try {
    return await use(admin)
  } finally {
    await admin.disconnect()
  }
}

export function uniqueName(prefix = 't'): string {
  return `${prefix}-${randomUUID().slice(0, 13)}`
}

/** A new topic, made by the witness and deleted when the test ends. */
export async function makeTopic(
  options: {
    name?: string
    partitions?: number
    replicationFactor?: number
    /** By partition, the brokers of its replicas, the first of them leading; in place of the two numbers above. */
    replicas?: number[][]
    configs?: Record<string, string>
  } = {},
  bootstrap?: string,
): Promise<string> {
  const topic = options.name ?? uniqueName()
  await withAdmin(async (admin) => {
    await admin.createTopics({
      // kafkajs gives up where a broker has not heard of the topic yet.
      waitForLeaders: false,
      topics: [
        {
          topic,
          ...(options.replicas === undefined
            ? { numPartitions: options.partitions ?? 1, replicationFactor: options.replicationFactor ?? 1 }
            : {
                replicaAssignment: options.replicas.map((replicas, partition) => ({ partition, replicas })),
              }),
          configEntries: Object.entries(options.configs ?? {}).map(([name, value]) => ({ name, value })),
        },
      ],
    })
    await vi.waitUntil(() => hasLeaders(admin, topic), { timeout: 20_000, interval: 20 })
  }, bootstrap)
  onTestFinished(() => removeTopic(topic, bootstrap))
  return topic
}

/**
 * Adds partitions to a topic, and waits until the brokers tell of them: kafkajs drops, without a word, what it is to
 * send to a partition that it does not know.
 */
export async function addPartitions(topic: string, count: number, bootstrap?: string): Promise<void> {
  await withAdmin(async (admin) => {
    const isThere = async () => {
      try {
        const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
        const { length } = topics[0]!.partitions
        if (length < count) await admin.createPartitions({ topicPartitions: [{ topic, count }] })
        return length === count && (await hasLeaders(admin, topic))
      } catch {
        // Not every broker knows a topic that was made a moment ago.
        return false
      }
    }
    await vi.waitUntil(isThere, { timeout: 20_000, interval: 20 })
  }, bootstrap)
}

async function hasLeaders(admin: Admin, topic: string): Promise<boolean> {
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    await admin.fetchTopicOffsets(topic)
    return topics[0]!.partitions.every(({ leader }) => leader >= 0)
  } catch {
    return false
  }
}

/** Deletes a topic where it is still there: kafkajs asks ten seconds long for one that is not. */
export async function removeTopic(topic: string, bootstrap?: string): Promise<void> {
  await withAdmin(async (admin) => {
    if ((await admin.listTopics()).includes(topic)) await admin.deleteTopics({ topics: [topic] })
  }, bootstrap).catch(() => {})
}

/** Makes a topic of a name that one may have had until now. */
export async function createTopic(topic: string, partitions = 1, bootstrap?: string): Promise<void> {
  const patient = { timeout: 20_000, interval: 20 }
  await withAdmin(async (admin) => {
    // Not by kafkajs's own waitForLeaders, which gives up where a broker has not heard of the topic yet. It says false
    // where there is one of the name, as there is for a moment after it was deleted.
    const made = { waitForLeaders: false, topics: [{ topic, numPartitions: partitions }] }
    await vi.waitUntil(() => admin.createTopics(made), patient)
    await vi.waitUntil(() => hasLeaders(admin, topic), patient)
  }, bootstrap)
}

/** Deletes a topic and makes it again under the same name. */
export async function makeAgain(topic: string, partitions = 1, bootstrap?: string): Promise<void> {
  await withAdmin((admin) => admin.deleteTopics({ topics: [topic] }), bootstrap)
  await createTopic(topic, partitions, bootstrap)
}
