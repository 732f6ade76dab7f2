import { type Bench, withGateway } from '../harness/bench.ts'
import { compareRates } from '../harness/compare.ts'
import { interleave } from '../harness/interleave.ts'
import { Producing, SINGLE } from '../harness/produce-load.ts'
import { hold, type Row } from '../harness/row.ts'

const TOPICS = 20

/** Single records over more partitions and topics: each batch holds fewer, and must not cost more for it. */
export async function partitions(bench: Bench): Promise<Row[]> {
  const { options, topics, progress } = bench
  const loads: Record<string, Producing> = {}
  for (const [name, count, partitions] of [
    ['3 partitions', 1, 3],
    ['12 partitions', 1, 12],
    ['100 partitions', 1, 100],
    [`${TOPICS} topics × 3`, TOPICS, 3],
  ] as const) {
    const made: string[] = []
    while (made.length < count) made.push(await topics.make(partitions))
    loads[name] = new Producing(bench, made)
  }
  const measured = await withGateway(bench, (server) => {
    const runs = Object.entries(loads).map(([name, load]) => [name, () => load.run(server, SINGLE)] as const)
    return interleave(Object.fromEntries(runs), options.rounds, progress)
  })
  for (const load of Object.values(loads)) await load.verify()
  const { '3 partitions': baseline = [], ...others } = measured
  return Object.entries(others).map(([what, figure]) => {
    const head = { benchmark: 'partitions', what, unit: 'requests/s', against: '3 partitions' }
    const row = compareRates(head, { figure, baseline })
    return { ...row, hold: hold('≥ 0.7 of 3 partitions', row.ratio >= 0.7) }
  })
}
