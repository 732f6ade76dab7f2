import { bareFanOut } from '../bare-fan-out.ts'
import { type Bench, WARMUP, withGateway } from '../harness/bench.ts'
import { compareRates } from '../harness/compare.ts'
import { interleave } from '../harness/interleave.ts'
import { hold, type Row } from '../harness/row.ts'
import { medianOf } from '../harness/statistics.ts'
import { fanOut } from '../load/fan-out.ts'

const READERS = 1_000
const BURST = 100

/** A thousand WebSockets that read one topic without a group, against one, and against as many that fetch each for itself. */
export async function fanout(bench: Bench): Promise<Row[]> {
  const { options, topics, brokers, progress } = bench
  const { rounds, seconds } = options
  const load = { brokers, readers: READERS, burst: BURST, warmup: WARMUP, seconds }
  // Each turn has a topic of its own: what was written in one before is no part of the next.
  const onTopic = async <T>(run: (topic: string) => Promise<T>) => {
    const topic = await topics.make(1)
    const result = await run(topic)
    await topics.remove([topic])
    return result
  }
  progress('memory')
  // Of a gateway that has not had as many before.
  const memory = await withGateway(bench, (server) =>
    onTopic((topic) => fanOut({ ...load, ...server, topic })),
  )
  const sides = await withGateway(bench, (server) =>
    interleave(
      {
        figure: () => onTopic((topic) => fanOut({ ...load, ...server, topic })),
        baseline: () => onTopic((topic) => fanOut({ ...load, ...server, topic, readers: 1 })),
        bare: () => onTopic((topic) => bareFanOut({ ...load, topic })),
      },
      rounds,
      progress,
    ),
  )
  const row = compareRates(
    { benchmark: 'fanout', what: `${READERS} readers`, unit: 'deliveries/s', against: 'one reader' },
    sides,
  )
  const each = compareRates(
    { benchmark: 'fanout', what: 'the same', unit: 'deliveries/s', against: 'a fetch each, no sockets' },
    { figure: sides.figure, baseline: sides.bare },
  )
  return [
    { ...row, hold: hold('≥ 10 of one reader', row.ratio >= 10) },
    each,
    {
      benchmark: 'fanout',
      what: `${BURST} records to all`,
      unit: 'ms',
      figure: medianOf(sides.figure, (round) => round.p50Ms)!,
      baseline: { what: 'to one', figure: medianOf(sides.baseline, (round) => round.p50Ms)! },
    },
    ...memoryRow('a reader that waits', memory.idleKb),
    ...memoryRow('a reader that is sent to', memory.activeKb),
  ]
}

function memoryRow(what: string, kb: number | undefined): Row[] {
  return kb === undefined ? [] : [{ benchmark: 'fanout', what, unit: 'KB', figure: kb }]
}
