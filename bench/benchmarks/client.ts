import { bareReader } from '../bare-reader.ts'
import { type Bench, WARMUP } from '../harness/bench.ts'
import { compareRates, type Sides } from '../harness/compare.ts'
import { interleave } from '../harness/interleave.ts'
import type { Row } from '../harness/row.ts'
import { clientSenders } from '../load/client-senders.ts'
import { fill } from '../load/fill.ts'
import { kafkajsReader } from '../load/kafkajs-reader.ts'
import { READ_RECORDS } from './websocket.ts'

/** @platformatic/kafka against kafkajs, without the gateway: the figures of docs/decisions/0001-kafka-client.md. */
export async function client(bench: Bench): Promise<Row[]> {
  return [await produce(bench, 64, 100), await produce(bench, 512, 1_024), await consume(bench)]
}

async function produce(bench: Bench, senders: number, valueBytes: number): Promise<Row> {
  const { options, topics, brokers, progress } = bench
  const { rounds, seconds } = options
  const topic = await topics.make(3)
  const load = { brokers, topic, senders, valueBytes, warmup: WARMUP, seconds }
  const name = `${senders} senders, ${valueBytes} bytes`
  const sides = await interleave(
    {
      figure: () => clientSenders({ client: 'platformatic', ...load }),
      baseline: () => clientSenders({ client: 'kafkajs', ...load }),
    },
    rounds,
    (text) => progress(`${name}, ${text}`),
  )
  await topics.remove([topic])
  return rowOf(name, sides)
}

async function consume({ options, topics, brokers, progress }: Bench): Promise<Row> {
  const topic = await topics.make(3)
  progress(`writing ${READ_RECORDS} records`)
  const read = { brokers, topic, records: READ_RECORDS }
  await fill(read)
  const sides = await interleave(
    { figure: () => bareReader(read), baseline: () => kafkajsReader(read) },
    options.rounds,
    (text) => progress(`reading, ${text}`),
  )
  await topics.remove([topic])
  return rowOf('read 500k', sides)
}

function rowOf(what: string, sides: Sides): Row {
  return compareRates({ benchmark: 'client', what, unit: 'records/s', against: 'kafkajs' }, sides)
}
