import { randomUUID } from 'node:crypto'
import { Kafka, logLevel } from 'kafkajs'
import type { BareReaderOptions } from '../bare-reader.ts'
import { inOwnProcess } from '../harness/own-process.ts'
import { ReadMeter, type ReadResult, secondPass } from './read-meter.ts'

/** The same as bare-reader.ts with kafkajs: a record at a time too, where its `eachBatch` would save it that. */
export const kafkajsReader = inOwnProcess(import.meta, (options: BareReaderOptions) =>
  secondPass(() => readOnce(options), process.pid),
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
    eachMessage: async ({ partition, message }) => {
      if (meter.done) return
      meter.saw(partition, Number(message.offset))
      meter.batchEnded()
      if (meter.done) resolve(meter.result())
    },
  })
  const result = await promise
  await consumer.disconnect()
  return result
}
