import { pino } from 'pino'
import { Cluster } from '../../src/kafka/cluster.ts'
import { RecordWriter } from '../../src/kafka/writer/record-writer.ts'
import { inOwnProcess } from '../harness/own-process.ts'
import { keyAt, valueAt } from './records.ts'

export interface FillOptions {
  readonly brokers: string
  readonly topic: string
  readonly records: number
}

/** Records of one write. With few writes under way the log has batches of some hundred, as busy producers leave them. */
const WRITE_RECORDS = 500
const WRITES = 2

/** Writes keyed JSON records into a topic, as fast as it goes. */
export const fill = inOwnProcess(import.meta, async ({ brokers, topic, records }: FillOptions) => {
  const cluster = new Cluster({ brokers: brokers.split(','), clientId: 'sluice-bench' })
  const writer = new RecordWriter(cluster, { timeoutMs: 30_000 }, pino({ level: 'silent' }))
  writer.start()
  let next = 0
  const sending = Array.from({ length: WRITES }, async () => {
    while (next < records) {
      const first = next
      next = Math.min(records, first + WRITE_RECORDS)
      const results = await writer.write(
        topic,
        Array.from({ length: next - first }, (_, n) => ({
          key: Buffer.from(keyAt(first + n)),
          value: Buffer.from(valueAt(first + n)),
          headers: [],
        })),
      )
      const failed = results.find((result) => result.outcome !== 'written')
      if (failed !== undefined) throw new Error(`a record was ${failed.outcome}`)
    }
  })
  await Promise.all(sending)
  writer.close()
  await cluster.close()
  return { records: next }
})
