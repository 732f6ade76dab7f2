import { startBareHttp } from '../harness/bare-http.ts'
import { type Bench, withGateway } from '../harness/bench.ts'
import { interleave } from '../harness/interleave.ts'
import { hold, type Row } from '../harness/row.ts'
import { median, medianOf } from '../harness/statistics.ts'

const STARTS = 5

interface Started {
  readonly readyMs: number
  readonly readyCpuMs: number | undefined
}

/** From starting the process to its first 200 on /readyz, with Kafka up; beside it what Node itself takes to listen. */
export async function start(bench: Bench): Promise<Row[]> {
  const { figure, baseline } = await interleave(
    {
      figure: () => withGateway(bench, async (gateway) => startedOf(gateway)),
      baseline: async () => {
        const bare = await startBareHttp()
        await bare.stop()
        return startedOf(bare)
      },
    },
    STARTS,
    bench.progress,
  )
  const readyMs = median(figure.map((round) => round.readyMs))
  const head = { benchmark: 'start', unit: 'ms' }
  const row: Row = {
    ...head,
    what: 'to ready',
    figure: readyMs,
    baseline: { what: 'node:http', figure: median(baseline.map((round) => round.readyMs)) },
    ratio: median(figure.map((round, i) => round.readyMs / baseline[i]!.readyMs)),
    hold: hold('< 700 ms', readyMs < 700),
    rounds: { figure, baseline },
  }
  const cpuMs = medianOf(figure, (round) => round.readyCpuMs)
  const baseCpuMs = medianOf(baseline, (round) => round.readyCpuMs)
  if (cpuMs === undefined || baseCpuMs === undefined) return [row]
  const cpu = { what: 'CPU to ready', figure: cpuMs, baseline: { what: 'node:http', figure: baseCpuMs } }
  return [row, { ...head, ...cpu }]
}

function startedOf({ readyMs, readyCpuMs }: Started): Started {
  return { readyMs, readyCpuMs }
}
