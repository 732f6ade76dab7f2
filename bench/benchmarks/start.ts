import { startBareHttp } from '../harness/bare-http.ts'
import { type Bench, withGateway } from '../harness/bench.ts'
import { interleave } from '../harness/interleave.ts'
import { hold, type Row } from '../harness/row.ts'
import { median } from '../harness/statistics.ts'

const STARTS = 5

/** From starting the process to its first 200 on /readyz, with Kafka up; beside it what Node itself takes to listen. */
export async function start(bench: Bench): Promise<Row[]> {
  const { figure: starts, baseline } = await interleave(
    {
      figure: () => withGateway(bench, async ({ readyMs }) => readyMs),
      baseline: async () => {
        const bare = await startBareHttp()
        await bare.stop()
        return bare.readyMs
      },
    },
    STARTS,
    bench.progress,
  )
  const figure = median(starts)
  return [
    {
      benchmark: 'start',
      what: 'to ready',
      unit: 'ms',
      figure,
      baseline: { what: 'bare node:http', figure: median(baseline) },
      ratio: median(starts.map((ms, i) => ms / baseline[i]!)),
      hold: hold('< 700 ms', figure < 700),
      rounds: { figure: starts, baseline },
    },
  ]
}
