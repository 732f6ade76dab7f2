import { setTimeout as sleep } from 'node:timers/promises'
import { type Bench, WARMUP, withGateway } from '../harness/bench.ts'
import { usageOf } from '../harness/process-usage.ts'
import { BATCH, Producing, SINGLE } from '../harness/produce-load.ts'
import { hold, type Row } from '../harness/row.ts'
import { endToEnd } from '../load/end-to-end.ts'
import { fill } from '../load/fill.ts'
import { websocketReader } from '../load/websocket-reader.ts'
import { LATENCY_PER_SECOND } from './latency.ts'
import { READ_RECORDS } from './websocket.ts'

const IDLE_MS = 3_000
const IDLE_MB = 150
const LOAD_MB = 300

/** One gateway's memory before, under and after every load of the other benchmarks, one load behind the other. */
export async function memory(bench: Bench): Promise<Row[]> {
  const { options, topics, brokers, progress } = bench
  const { seconds } = options
  const three = await topics.make(3)
  const hundred = await topics.make(100)
  const filled = await topics.make(3)
  progress(`writing ${READ_RECORDS} records`)
  await fill({ brokers, topic: filled, records: READ_RECORDS })
  const few = new Producing(bench, [three])
  const many = new Producing(bench, [hundred])
  const rows = await withGateway(bench, async (server) => {
    const idle = async () => {
      await sleep(IDLE_MS)
      return usageOf(server.pid)
    }
    const loads: [string, number, () => Promise<{ readonly rssMb: number | undefined } | undefined>][] = [
      ['idle', IDLE_MB, idle],
      ['single', LOAD_MB, () => few.run(server, SINGLE)],
      ['batch', LOAD_MB, () => few.run(server, BATCH)],
      ['100 partitions', LOAD_MB, () => many.run(server, SINGLE)],
      ['websocket', LOAD_MB, () => websocketReader({ ...server, topic: filled, records: READ_RECORDS })],
      ['idle again', LOAD_MB, idle],
    ]
    const rows: Row[] = []
    for (const [what, limit, run] of loads) {
      progress(what)
      const rssMb = (await run())?.rssMb
      if (rssMb !== undefined) rows.push(memoryRow(what, rssMb, limit))
    }
    return rows
  })
  await few.verify()
  await many.verify()
  const latency = await withGateway(bench, (server) => {
    progress('latency')
    return endToEnd({ ...server, topic: filled, perSecond: LATENCY_PER_SECOND, warmup: WARMUP, seconds })
  })
  await topics.remove([filled])
  if (latency.rssMb !== undefined) rows.push(memoryRow('latency', latency.rssMb, LOAD_MB))
  return rows
}

function memoryRow(what: string, rssMb: number, limit: number): Row {
  return {
    benchmark: 'memory',
    what,
    unit: 'MB',
    figure: rssMb,
    hold: hold(`< ${limit} MB`, rssMb < limit),
  }
}
