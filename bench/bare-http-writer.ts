import { pino } from 'pino'
import { Cluster } from '../src/kafka/cluster.ts'
import { RecordWriter } from '../src/kafka/writer/record-writer.ts'
import { serveJson } from './harness/json-server.ts'

/** As bare-http.ts, and writes each record through the gateway's write path: what is left out is the HTTP layer. */
const [brokers = '', topic = ''] = process.argv.slice(2)
const cluster = new Cluster({ brokers: brokers.split(','), clientId: 'sluice-bench' })
const writer = new RecordWriter(cluster, { timeoutMs: 10_000 }, pino({ level: 'silent' }))
writer.start()

serveJson(async ({ key, value }) => {
  const record = { key: Buffer.from(key), value: Buffer.from(JSON.stringify(value)), headers: [] }
  const [result] = await writer.write(topic, [record])
  if (result?.outcome !== 'written') throw new Error(`the record is ${result?.outcome}`)
  return { partition: result.partition, offset: result.offset, timestamp: result.timestamp }
})
