import { type Bench, withGateway } from '../harness/bench.ts'
import { compareRates } from '../harness/compare.ts'
import { checkout } from '../harness/gateway.ts'
import { interleave } from '../harness/interleave.ts'
import { BATCH, Producing, type ProduceLoad, SINGLE } from '../harness/produce-load.ts'
import type { Row } from '../harness/row.ts'
import { fill } from '../load/fill.ts'
import { websocketReader } from '../load/websocket-reader.ts'
import { READ_RECORDS } from './websocket.ts'
import { openWorktree, type Worktree } from '../harness/worktree.ts'

/** This checkout's gateway against that of another commit. */
export async function previous(bench: Bench): Promise<Row[]> {
  const worktree = openWorktree(bench.options.against, bench.cleanup)
  return [
    await compare(bench, worktree, { what: 'single', unit: 'requests/s' }, SINGLE),
    await compare(bench, worktree, { what: 'batch', unit: 'records/s' }, BATCH),
    await compareReading(bench, worktree),
  ]
}

/** One WebSocket that reads a topic from its start, of a gateway of its own each time as below. */
async function compareReading(bench: Bench, { root, commit }: Worktree): Promise<Row> {
  const { topics, brokers, options, progress } = bench
  const topic = await topics.make(3)
  progress(`writing ${READ_RECORDS} records`)
  const read = { topic, records: READ_RECORDS }
  await fill({ brokers, ...read })
  const turn = (from: string) => () =>
    withGateway(bench, (gateway) => websocketReader({ ...read, ...gateway }), from)
  const sides = await interleave({ figure: turn(checkout), baseline: turn(root) }, options.rounds, (text) =>
    progress(`websocket, ${text}`),
  )
  await topics.remove([topic])
  const head = { what: 'websocket', unit: 'records/s' }
  return compareRates({ benchmark: 'previous', ...head, against: commit }, sides)
}

/**
 * Each turn has a gateway of its own: how V8 lays out a process's heap in its first seconds decides a third of what a
 * batch costs it for as long as it runs, so one process is no sample of its code.
 */
async function compare(
  bench: Bench,
  { root, commit }: Worktree,
  head: { readonly what: string; readonly unit: string },
  load: ProduceLoad,
): Promise<Row> {
  const { topics, options, progress } = bench
  const topic = await topics.make(3)
  const producing = new Producing(bench, [topic])
  const turn = (from: string) => () => withGateway(bench, (gateway) => producing.run(gateway, load), from)
  const sides = await interleave({ figure: turn(checkout), baseline: turn(root) }, options.rounds, (text) =>
    progress(`${head.what}, ${text}`),
  )
  await producing.verify()
  return compareRates({ benchmark: 'previous', ...head, against: commit }, sides)
}
