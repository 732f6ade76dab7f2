import { onTestFinished } from 'vitest'
import type { Consumer } from 'kafkajs'
import { witness } from './kafka.ts'

/** A kafkajs consumer that is a member of a group, with partitions; it leaves when the test ends. */
export async function joinGroup(
  groupId: string,
  topics: string[],
  { bootstrap, onRecord }: { bootstrap?: string; onRecord?: () => void } = {},
): Promise<Consumer> {
  const consumer = witness(bootstrap).consumer({ groupId, sessionTimeout: 10_000, heartbeatInterval: 500 })
  onTestFinished(() => consumer.disconnect().catch(() => {}))
  await consumer.connect()
  await consumer.subscribe({ topics, fromBeginning: true })
  const joined = new Promise<void>((resolve) => {
    consumer.on(consumer.events.GROUP_JOIN, () => resolve())
  })
  await consumer.run({ eachMessage: async () => onRecord?.() })
  await joined
  return consumer
}
