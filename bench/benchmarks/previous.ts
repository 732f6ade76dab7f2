import { type Bench, withGateway } from '../harness/bench.ts'
import { compareRates } from '../harness/compare.ts'
import { interleave } from '../harness/interleave.ts'
import { BATCH, Producing, type ProduceLoad, SINGLE } from '../harness/produce-load.ts'
import type { Row } from '../harness/row.ts'
import { openWorktree, type Worktree } from '../harness/worktree.ts'

/** This checkout's gateway against that of another commit: both up, each idle while the other is measured. */
export async function previous(bench: Bench): Promise<Row[]> {
  const worktree = openWorktree(bench.options.against, bench.cleanup)
  return [
    await compare(bench, worktree, { what: 'single', unit: 'requests/s' }, SINGLE),
    await compare(bench, worktree, { what: 'batch', unit: 'records/s' }, BATCH),
  ]
}

async function compare(
  bench: Bench,
  { root, commit }: Worktree,
  head: { readonly what: string; readonly unit: string },
  load: ProduceLoad,
): Promise<Row> {
  const { topics, options, progress } = bench
  const now = new Producing(bench, [await topics.make(3)])
  const before = new Producing(bench, [await topics.make(3)])
  const sides = await withGateway(bench, (current) =>
    withGateway(
      bench,
      (earlier) =>
        interleave(
          { figure: () => now.run(current, load), baseline: () => before.run(earlier, load) },
          options.rounds,
          (text) => progress(`${head.what}, ${text}`),
        ),
      root,
    ),
  )
  await now.verify()
  await before.verify()
  return compareRates({ benchmark: 'previous', ...head, against: commit }, sides)
}
