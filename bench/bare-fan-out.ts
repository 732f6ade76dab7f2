import { Cluster } from '../src/kafka/cluster.ts'
import { RecordReader } from '../src/kafka/record-reader.ts'
import { inOwnProcess } from './harness/own-process.ts'
import { type BurstOptions, Deliveries, runBursts } from './load/bursts.ts'

/** Many readers of one topic, each with fetches of its own, doing nothing with the records. */
export const bareFanOut = inOwnProcess(import.meta, async (options: BurstOptions) => {
  const { brokers, topic, readers } = options
  const cluster = new Cluster({ brokers: brokers.split(','), clientId: 'sluice-bench' })
  const deliveries = new Deliveries(readers)
  const info = await cluster.topic(topic)
  if (info === undefined) throw new Error(`there is no topic ${topic}`)
  for (let n = 0; n < readers; n++) {
    const reader = new RecordReader(cluster, { isolation: 'read_uncommitted' })
    reader.assign(info.partitions.map(({ partition }) => ({ topic, topicId: info.id, partition, offset: 0 })))
    // The first answer tells the end: from then on it waits.
    await reader.next()
    void follow(reader, (records) => deliveries.add(n, records))
  }
  return runBursts(options, deliveries, process.pid)
})

async function follow(reader: RecordReader, came: (records: number) => void): Promise<void> {
  for (;;) {
    for (const event of await reader.next()) if (event.kind === 'records') came(event.records.length)
  }
}
