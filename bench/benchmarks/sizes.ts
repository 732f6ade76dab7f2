import { startBareHttp } from '../harness/bare-http.ts'
import { type Bench, WARMUP, withGateway } from '../harness/bench.ts'
import { compareRates } from '../harness/compare.ts'
import { interleave } from '../harness/interleave.ts'
import { Producing } from '../harness/produce-load.ts'
import type { Row } from '../harness/row.ts'
import { httpLoad } from '../load/http.ts'

const SIZES = { '1 KB': 1_000, '100 KB': 100_000 } as const

/** Single records of more bytes, against a bare `node:http` server that reads, parses and answers. */
export async function sizes(bench: Bench): Promise<Row[]> {
  const { options, topics, progress } = bench
  const rows: Row[] = []
  for (const [name, valueBytes] of Object.entries(SIZES)) {
    const topic = await topics.make(3)
    const load = { connections: 16, valueBytes }
    const producing = new Producing(bench, [topic])
    const bare = await startBareHttp()
    const sides = await withGateway(bench, (server) =>
      interleave(
        {
          figure: () => producing.run(server, load),
          baseline: () =>
            httpLoad({ ...bare, topics: [topic], ...load, warmup: WARMUP, seconds: options.seconds }),
        },
        options.rounds,
        progress,
      ),
    ).finally(() => bare.stop())
    await producing.verify()
    rows.push(
      compareRates(
        { benchmark: 'sizes', what: `${name}, 16 connections`, unit: 'requests/s', against: 'node:http' },
        sides,
      ),
    )
  }
  return rows
}
