import type { KafkaMessage } from 'kafkajs'
import { uniqueName, witness, withAdmin } from './kafka.ts'

export type WitnessedRecord = KafkaMessage & { readonly partition: number }

/**
 * Every record of a topic up to its ends at the time of the call, read by the witness; in order within each partition.
 * Those of aborted transactions are left out unless `readUncommitted`; a partition must not end with them, since the
 * witness doesn't say that it has read so far.
 */
export async function readAll(
  topic: string,
  bootstrap?: string,
  { readUncommitted = false } = {},
): Promise<WitnessedRecord[]> {
  const ends = await withAdmin((admin) => admin.fetchTopicOffsets(topic), bootstrap)
  const left = new Map(
    ends
      .filter(({ low, high }) => BigInt(low) < BigInt(high))
      .map(({ partition, high }) => [partition, BigInt(high)]),
  )
  const records: WitnessedRecord[] = []
  if (left.size === 0) return records
  const consumer = witness(bootstrap).consumer({
    groupId: uniqueName('witness'),
    maxWaitTimeInMs: 100,
    readUncommitted,
  })
  await consumer.connect()
  try {
    const { promise: done, resolve, reject } = Promise.withResolvers<void>()
    // A coordinator that is still loading, say, is tried again.
    consumer.on('consumer.crash', ({ payload }) => {
      if (!payload.restart) reject(payload.error)
    })
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({
      eachBatch: ({ batch }) => {
        const { partition, messages } = batch
        const end = left.get(partition)
        if (end === undefined) return Promise.resolve()
        for (const message of messages)
          if (BigInt(message.offset) < end) records.push({ ...message, partition })
        if (BigInt(batch.lastOffset()) + 1n >= end) left.delete(partition)
        if (left.size === 0) resolve()
        return Promise.resolve()
      },
    })
    await done
  } finally {
    await consumer.disconnect()
  }
  return records
}
