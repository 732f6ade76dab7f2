import { startBareHttp } from '../harness/bare-http.ts'
import { type Bench, withGateway } from '../harness/bench.ts'
import { compareRates } from '../harness/compare.ts'
import { interleave } from '../harness/interleave.ts'
import { Producing } from '../harness/produce-load.ts'
import type { Row } from '../harness/row.ts'

const SIZES = { '1 KB': 1_000, '100 KB': 100_000 } as const

/** Single records of more bytes, against a bare `node:http` server that reads, parses, writes and answers. */
export async function sizes(bench: Bench): Promise<Row[]> {
  const { options, topics, brokers, progress } = bench
  const rows: Row[] = []
  for (const [name, valueBytes] of Object.entries(SIZES)) {
    const [topic, bareTopic] = [await topics.make(3), await topics.make(3)]
    const load = { connections: 16, valueBytes }
    const producing = new Producing(bench, [topic])
    const writing = new Producing(bench, [bareTopic])
    const bare = await startBareHttp({ brokers, topic: bareTopic })
    const sides = await withGateway(bench, (server) =>
      interleave(
        {
          figure: () => producing.run(server, load),
          baseline: () => writing.run(bare, load),
        },
        options.rounds,
        progress,
      ),
    ).finally(() => bare.stop())
    await producing.verify()
    await writing.verify()
    rows.push(
      compareRates(
        {
          benchmark: 'sizes',
          what: `${name}, 16 connections`,
          unit: 'requests/s',
          against: 'node:http, writing',
        },
        sides,
      ),
    )
  }
  return rows
}
