import { type BareHttp, startBareHttp } from '../harness/bare-http.ts'
import { type Bench, WARMUP, withGateway } from '../harness/bench.ts'
import { compareRates } from '../harness/compare.ts'
import { interleave } from '../harness/interleave.ts'
import { Producing, SINGLE } from '../harness/produce-load.ts'
import { hold, type Row } from '../harness/row.ts'
import { median } from '../harness/statistics.ts'
import { httpLoad } from '../load/http.ts'

/**
 * Single keyed JSON records, against a bare `node:http` server that reads, parses and answers, and against one that
 * writes the record too: Kafka takes its part of the machine from the gateway and from the second alone.
 */
export async function single(bench: Bench): Promise<Row[]> {
  const { options, topics, brokers, progress } = bench
  const { rounds, seconds } = options
  const [topic, writerTopic] = [await topics.make(3), await topics.make(3)]
  const producing = new Producing(bench, [topic])
  const writing = new Producing(bench, [writerTopic])
  const bare = await startBareHttp()
  const writer = await startBareHttp({ brokers, topic: writerTopic })
  const loadBare = ({ url, pid }: BareHttp) =>
    httpLoad({ url, pid, topics: [topic], ...SINGLE, warmup: WARMUP, seconds })
  const sides = await withGateway(bench, (server) =>
    interleave(
      {
        gateway: () => producing.run(server, SINGLE),
        bare: () => loadBare(bare),
        'bare, writing': () => writing.run(writer, SINGLE),
      },
      rounds,
      progress,
    ),
  ).finally(() => Promise.all([bare.stop(), writer.stop()]))
  await producing.verify()
  await writing.verify()
  const { gateway: figure, bare: baseline, 'bare, writing': written } = sides
  const head = { benchmark: 'single', unit: 'requests/s' }
  const row = compareRates({ ...head, what: '64 connections', against: 'node:http' }, { figure, baseline })
  const p99 = median(figure.map((round) => round.p99Ms))
  return [
    { ...row, hold: hold('≥ 0.8 of bare', row.ratio >= 0.8) },
    compareRates(
      { ...head, what: 'both writing', against: 'node:http, writing' },
      { figure, baseline: written },
    ),
    {
      benchmark: 'single',
      what: 'p99',
      unit: 'ms',
      figure: p99,
      baseline: { what: 'node:http, writing', figure: median(written.map((round) => round.p99Ms)) },
      hold: hold('< 12 ms', p99 < 12),
    },
  ]
}
