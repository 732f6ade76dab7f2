import { randomUUID } from 'node:crypto'
import { Kafka, logLevel } from 'kafkajs'
import type { BareReaderOptions } from '../bare-reader.ts'
import { inOwnProcess } from '../harness/own-process.ts'
import { ReadMeter, type ReadResult } from './read-meter.ts'

/** The same as bare-reader.ts, with kafkajs. */
export const kafkajsReader = inOwnProcess(
  import.meta,
  async (options: BareReaderOptions): Promise<ReadResult> => {
    await readOnce(options)
    return readOnce(options)
  },
)

async function readOnce({ brokers, topic, records }: BareReaderOptions): Promise<ReadResult> {
  const meter = new ReadMeter(records)
  const kafka = new Kafka({
    clientId: 'sluice-bench',
    brokers: brokers.split(','),
    logLevel: logLevel.NOTHING,
  })
  const consumer = kafka.consumer({
    groupId: `bench-${randomUUID()}`,
    maxBytes: 1_048_576,
    maxWaitTimeInMs: 200,
  })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  const { promise, resolve, reject } = Promise.withResolvers<ReadResult>()
  consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error))
  await consumer.run({
    autoCommit: false,
    eachBatchAutoResolve: true,
    eachBatch: async ({ batch }) => {
      if (meter.done) return
      for (const { offset } of batch.messages) meter.saw(batch.partition, Number(offset))
      meter.batchEnded()
      if (meter.done) resolve(meter.result())
    },
  })
  const result = await promise
  await consumer.disconnect()
  return result
}
