import { bareWriter } from '../bare-writer.ts'
import { type Bench, WARMUP, withGateway } from '../harness/bench.ts'
import { compareRates } from '../harness/compare.ts'
import { interleave } from '../harness/interleave.ts'
import { BATCH, Producing } from '../harness/produce-load.ts'
import { hold, type Row } from '../harness/row.ts'

/** Batches of a hundred records, against the gateway's own write path without HTTP and JSON. */
export async function batch(bench: Bench): Promise<Row[]> {
  const { options, topics, brokers, progress } = bench
  const { rounds, seconds } = options
  const [topic, bareTopic] = [await topics.make(3), await topics.make(3)]
  const producing = new Producing(bench, [topic])
  const writing = new Producing(bench, [bareTopic])
  const { connections: senders, batch } = BATCH
  const bare = { brokers, topic: bareTopic, senders, batch, warmup: WARMUP, seconds }
  const sides = await withGateway(bench, (server) =>
    interleave(
      { figure: () => producing.run(server, BATCH), baseline: () => writing.count(bareWriter(bare)) },
      rounds,
      progress,
    ),
  )
  await producing.verify()
  await writing.verify()
  const row = compareRates(
    { benchmark: 'batch', what: '16 connections × 100', unit: 'records/s', against: 'bare write path' },
    sides,
  )
  return [{ ...row, hold: hold('≥ 180k/s or 0.8 of bare', row.figure >= 180_000, row.ratio >= 0.8) }]
}
