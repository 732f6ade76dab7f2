// node bench/read-path.ts: the gateway's reader against the Kafka client's stream, and the parts of a record's way out.
// With KAFKA_BROKERS that Kafka is used, else one of its own is started.
import { bareReader } from './bare-reader.ts'
import { Cleanup } from './harness/cleanup.ts'
import { interleave } from './harness/interleave.ts'
import { startKafka } from './harness/kafka.ts'
import { median } from './harness/statistics.ts'
import { Topics } from './harness/topics.ts'
import { fill } from './load/fill.ts'
import type { ReadResult } from './load/read-meter.ts'
import { readParts } from './load/read-parts.ts'
import { recordReader } from './load/record-reader.ts'

const RECORDS = 500_000
const PARTITIONS = 3
const ROUNDS = 3

const cleanup = new Cleanup()
try {
  let brokers = process.env.KAFKA_BROKERS
  if (brokers === undefined) {
    const kafka = await startKafka()
    cleanup.add(() => kafka.stop())
    brokers = kafka.bootstrap
  }
  const topics = new Topics(brokers)
  cleanup.add(() => topics.close())
  const topic = await topics.make(PARTITIONS)
  const read = { brokers, topic, records: RECORDS }
  await fill(read)
  const rounds = await interleave(
    {
      client: () => bareReader(read),
      reader: () => recordReader({ ...read, render: false }),
      rendering: () => recordReader({ ...read, render: true }),
      parts: () => readParts({}),
    },
    ROUNDS,
    (text) => void process.stderr.write(`read-path: ${text}\n`),
  )
  const speed = (results: ReadResult[]) => median(results.map((result) => result.perSecond))
  const first = (results: ReadResult[]) => median(results.map((result) => result.firstMs))
  const part = (name: keyof (typeof rounds.parts)[number]) => median(rounds.parts.map((parts) => parts[name]))
  const client = speed(rounds.client)
  console.table({
    "the client's stream": row(client, 'records/s', client, first(rounds.client)),
    RecordReader: row(speed(rounds.reader), 'records/s', client, first(rounds.reader)),
    'RecordReader, rendered': row(speed(rounds.rendering), 'records/s', client, first(rounds.rendering)),
    'JSON.parse and stringify': row(part('stringified'), 'records/s', part('stringified')),
    'render alone': row(part('rendered'), 'records/s', part('stringified')),
    'decode alone': row(part('decoded'), 'records/s', part('stringified')),
    'JSON.parse': row(part('parsed'), 'MB/s', part('parsed')),
    'scan alone': row(part('scanned'), 'MB/s', part('parsed')),
  })
} finally {
  await cleanup.run()
}

function row(figure: number, unit: string, baseline: number, firstMs?: number) {
  return {
    figure: Math.round(figure),
    unit,
    ratio: (figure / baseline).toFixed(2),
    'first record, ms': firstMs === undefined ? '' : Math.round(firstMs),
  }
}
