// What the programs beside it need: brokers that they may kill and hold up, and a topic.
import { Admin } from '@platformatic/kafka'
import { startTemporaryCluster } from '../../../dev/kafka/cluster.ts'

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** Runs `use` with so many brokers; exits 0 where it says that the fault is there. */
export async function withBrokers(count, use) {
  const kafka = await startTemporaryCluster(count)
  const bootstrapBrokers = kafka.bootstrap.split(',')
  try {
    const isThere = await use({ bootstrapBrokers, brokers: kafka.brokers })
    process.exitCode = isThere ? 0 : 1
  } finally {
    await kafka.stop()
    // The client goes on trying.
    process.exit()
  }
}

/** Makes a topic with these brokers for each partition, the first of them leading. */
export async function makeTopic(bootstrapBrokers, topic, assignments) {
  const admin = new Admin({ clientId: 'admin', bootstrapBrokers, retries: 10 })
  await admin.createTopics({
    ...{ topics: [topic], partitions: -1, replicas: -1 },
    assignments: assignments.map((brokers, partition) => ({ partition, brokers })),
  })
  await pause(1_000)
  return admin
}
