import { Cluster } from '../../src/kafka/cluster.ts'
import { RecordReader } from '../../src/kafka/record-reader.ts'
import { ByteWriter } from '../../src/records/byte-writer.ts'
import { recordPrefix, renderRecord } from '../../src/records/render-record.ts'
import type { BareReaderOptions } from '../bare-reader.ts'
import { inOwnProcess } from '../harness/own-process.ts'
import { ReadMeter, type ReadResult } from './read-meter.ts'

export interface RecordReaderOptions extends BareReaderOptions {
  /** Whether each record is also made into its JSON. */
  readonly render: boolean
}

/** Reads a topic from its start with the gateway's own reader, without a socket. The first of two passes warms up. */
export const recordReader = inOwnProcess(
  import.meta,
  async (options: RecordReaderOptions): Promise<ReadResult> => {
    await readOnce(options)
    return readOnce(options)
  },
)

async function readOnce({ brokers, topic, records, render }: RecordReaderOptions): Promise<ReadResult> {
  const meter = new ReadMeter(records)
  const cluster = new Cluster({ brokers: brokers.split(','), clientId: 'sluice-bench' })
  const reader = new RecordReader(cluster, { isolation: 'read_uncommitted' })
  const info = await cluster.topic(topic)
  if (info === undefined) throw new Error(`there is no topic ${topic}`)
  reader.assign(info.partitions.map(({ partition }) => ({ topic, topicId: info.id, partition, offset: 0 })))
  const prefixes = info.partitions.map(({ partition }) => recordPrefix(topic, partition))
  const out = new ByteWriter(1_048_576)
  while (!meter.done) {
    for (const event of await reader.next()) {
      if (event.kind === 'lost' || event.kind === 'corrupt') throw new Error(`${event.kind}: ${event.reason}`)
      if (event.kind !== 'records') continue
      for (const record of event.records) {
        meter.saw(event.partition, record.offset)
        if (render) renderRecord(out, prefixes[event.partition]!, record, 'auto')
      }
      out.truncate(0)
      meter.batchEnded()
    }
  }
  reader.close()
  await cluster.close()
  return meter.result()
}
