import { type Bench, WARMUP, withGateway } from '../harness/bench.ts'
import { hold, type Row } from '../harness/row.ts'
import { maxOf, median, medianOf } from '../harness/statistics.ts'
import { endToEnd, type EndToEndResult } from '../load/end-to-end.ts'

export const LATENCY_PER_SECOND = 500

/** From POST to WebSocket frame at a steady rate, beside what the POST's own answer takes. */
export async function latency(bench: Bench): Promise<Row[]> {
  const { options, topics, progress } = bench
  const topic = await topics.make(3)
  const rounds: EndToEndResult[] = []
  await withGateway(bench, async ({ url, pid }) => {
    const { seconds } = options
    for (let round = 1; round <= options.rounds; round++) {
      progress(`round ${round} of ${options.rounds}`)
      rounds.push(await endToEnd({ url, pid, topic, perSecond: LATENCY_PER_SECOND, warmup: WARMUP, seconds }))
    }
  })
  await topics.remove([topic])
  const p50 = median(rounds.map((r) => r.frame.p50Ms))
  const p99 = median(rounds.map((r) => r.frame.p99Ms))
  return [
    {
      benchmark: 'latency',
      what: `p50 at ${LATENCY_PER_SECOND}/s`,
      unit: 'ms',
      figure: p50,
      baseline: { what: "POST's answer", figure: median(rounds.map((r) => r.answer.p50Ms)) },
      rssMb: maxOf(rounds, (r) => r.rssMb),
      cpuMicros: medianOf(rounds, (r) => r.cpuMicros),
      hold: hold('< 5 ms', p50 < 5),
      rounds,
    },
    {
      benchmark: 'latency',
      what: `p99 at ${LATENCY_PER_SECOND}/s`,
      unit: 'ms',
      figure: p99,
      baseline: { what: "POST's answer", figure: median(rounds.map((r) => r.answer.p99Ms)) },
      hold: hold('< 20 ms', p99 < 20),
    },
  ]
}
