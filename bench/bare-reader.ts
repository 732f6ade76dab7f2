import { randomUUID } from 'node:crypto'
import { Consumer } from '@platformatic/kafka'
import { inOwnProcess } from './harness/own-process.ts'
import { ReadMeter, type ReadResult, secondPass } from './load/read-meter.ts'

export interface BareReaderOptions {
  readonly brokers: string
  readonly topic: string
  readonly records: number
}

/** Reads a topic from its start with the Kafka client's own stream, doing nothing with the records. */
export const bareReader = inOwnProcess(import.meta, (options: BareReaderOptions) =>
  secondPass(() => readOnce(options), process.pid),
)

async function readOnce({ brokers, topic, records }: BareReaderOptions): Promise<ReadResult> {
  const meter = new ReadMeter(records)
  const consumer = new Consumer({
    clientId: 'sluice-bench',
    groupId: `bench-${randomUUID()}`,
    bootstrapBrokers: brokers.split(','),
    autocommit: false,
    // The bounds of the gateway's own reads: with the client's, the first record alone takes seconds.
    maxBytes: 1_048_576,
    maxWaitTime: 200,
  })
  const stream = await consumer.consume({ topics: [topic], mode: 'earliest' })
  const { promise, resolve, reject } = Promise.withResolvers<ReadResult>()
  stream.on('error', reject)
  // Events, not `for await`: a promise for each record would cost more than the record.
  stream.on('data', ({ partition, offset }) => {
    if (meter.done) return
    meter.saw(partition, Number(offset))
    meter.batchEnded()
    if (meter.done) resolve(meter.result())
  })
  const result = await promise
  await consumer.close(true)
  return result
}
