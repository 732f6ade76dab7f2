import { type Bench, WARMUP, withGateway } from '../harness/bench.ts'
import { compareRates } from '../harness/compare.ts'
import { interleave } from '../harness/interleave.ts'
import { BATCH, Producing } from '../harness/produce-load.ts'
import { hold, type Row } from '../harness/row.ts'
import { streamLoad } from '../load/stream.ts'

const STREAMS = 4

/** Streams of records, every result read, against batches of a hundred sent to the same gateway. */
export async function ndjson(bench: Bench): Promise<Row[]> {
  const { options, topics, progress } = bench
  const { rounds, seconds } = options
  const topic = await topics.make(3)
  const producing = new Producing(bench, [topic])
  const sides = await withGateway(bench, (server) => {
    const load = { ...server, topic, connections: STREAMS, warmup: WARMUP, seconds }
    return interleave(
      { figure: () => producing.count(streamLoad(load)), baseline: () => producing.run(server, BATCH) },
      rounds,
      progress,
    )
  })
  await producing.verify()
  const row = compareRates(
    { benchmark: 'ndjson', what: `${STREAMS} streams`, unit: 'records/s', against: 'batches of 100' },
    sides,
  )
  return [{ ...row, hold: hold('≥ 0.9 of batch', row.ratio >= 0.9) }]
}
