import { bareReader } from '../bare-reader.ts'
import { type Bench, withGateway } from '../harness/bench.ts'
import { compareRates } from '../harness/compare.ts'
import { interleave } from '../harness/interleave.ts'
import { hold, type Row } from '../harness/row.ts'
import { median } from '../harness/statistics.ts'
import { fill } from '../load/fill.ts'
import { websocketReader } from '../load/websocket-reader.ts'

export const READ_RECORDS = 500_000

/** One WebSocket that reads a topic from its start and parses every frame, against the Kafka client alone. */
export async function websocket(bench: Bench): Promise<Row[]> {
  const { options, topics, brokers, progress } = bench
  const topic = await topics.make(3)
  progress(`writing ${READ_RECORDS} records`)
  await fill({ brokers, topic, records: READ_RECORDS })
  const read = { topic, records: READ_RECORDS }
  const sides = await withGateway(bench, (server) =>
    interleave(
      {
        figure: () => websocketReader({ ...read, ...server }),
        baseline: () => bareReader({ ...read, brokers }),
      },
      options.rounds,
      progress,
    ),
  )
  await topics.remove([topic])
  const row = compareRates(
    { benchmark: 'websocket', what: '500k records', unit: 'records/s', against: 'bare client' },
    sides,
  )
  const firstMs = median(sides.figure.map((round) => round.firstMs))
  return [
    { ...row, hold: hold('≥ 350k/s or 0.6 of bare', row.figure >= 350_000, row.ratio >= 0.6) },
    {
      benchmark: 'websocket',
      what: 'first record',
      unit: 'ms',
      figure: firstMs,
      baseline: {
        what: 'bare client, joining a group',
        figure: median(sides.baseline.map((round) => round.firstMs)),
      },
      hold: hold('≤ 120 ms', firstMs <= 120),
    },
  ]
}
