import { type ChildProcess, execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { watchUsage } from '../../../bench/harness/process-usage.ts'
import { postJson } from '../../clients/client.ts'
import { GatewayProcess } from '../../gateways.ts'
import type { ConsumeOptions } from '../../options.ts'
import { say, type Stage } from '../../stage.ts'
import { makeTopics } from '../../witness.ts'
import { Recorder } from '../clients/context.ts'
import { reader } from '../clients/reader.ts'
import { stallingReader } from '../clients/stalling-reader.ts'
import type { CrowdReport } from '../crowd-readers.ts'
import { figuresOf } from '../figures.ts'
import { readNumbers, untilRead } from '../log.ts'
import { produceSteadily } from '../steady-producer.ts'
import { judgeReader } from '../verdict.ts'
import { type Result, rowOf } from './result.ts'

const TOPIC = 'consume-crowd'
const PARTITIONS = 3
/** Readers for each member of the group that churns elsewhere. */
const PER_MEMBER = 50
const PROCESSES = 2
const PER_SECOND = 100
const TICK_MS = 100
/** What the slow reader has before it: more than the systems on the way hold for it, bytes. */
const BACKLOG_BYTES = 16_777_216
const STALL_MS = 3_000

/** What it had was written long before. */
const untimed = { p50: '', p99: '', max: '', resumed: '' } as const

/** A thousand readers of one topic at one gateway, then the same with one more that hardly reads. */
export async function crowd(
  { bootstrap, logs }: Stage,
  { seconds, members }: ConsumeOptions,
): Promise<Result> {
  const readers = members * PER_MEMBER
  checkOpenFiles(readers)
  await makeTopics(bootstrap, [TOPIC], PARTITIONS)
  const gateway = await GatewayProcess.start(
    {
      KAFKA_BROKERS: bootstrap,
      SLUICE_LOG_LEVEL: 'warn',
      SLUICE_MAX_STREAMS: String(readers + 10),
      SLUICE_WS_STALL_MS: String(STALL_MS),
    },
    join(logs, 'gateway-crowd.log'),
  )
  const file = join(import.meta.dirname, '../crowd-readers.ts')
  const each = String(Math.ceil(readers / PROCESSES))
  let processes: readonly ChildProcess[] = []
  try {
    await fill(gateway.url)
    say(`crowd: connecting ${readers} readers`)
    processes = Array.from({ length: PROCESSES }, () => fork(file, [gateway.url, TOPIC, each]))
    await Promise.all(processes.map((child) => once(child, 'message')))
    const reportOf = async () => {
      const reports = processes.map((child) => once(child, 'message') as Promise<[CrowdReport]>)
      for (const child of processes) child.send('report')
      return (await Promise.all(reports)).map(([report]) => report)
    }
    const producer = produceSteadily([gateway.url], TOPIC, { perSecond: PER_SECOND, tickMs: TICK_MS })
    const measure = async (what: string, during: Promise<unknown>) => {
      await pause(1_000)
      await reportOf()
      const since = performance.now()
      const usage = watchUsage(gateway.pid)
      await during
      const elapsed = performance.now() - since
      return {
        row: measured(what, await reportOf(), elapsed, usage.stop()),
        ended: (await reportOf()).flatMap(({ ended }) => ended),
      }
    }
    const ms = (seconds * 1_000) / 2
    const without = await measure(`${readers} readers`, pause(ms))
    const slow = new Recorder()
    const stalling = stallingReader({ url: gateway.url, topic: TOPIC, record: slow, stallMs: STALL_MS })
    const beside = await measure('the same, and one that hardly reads', Promise.all([pause(ms), stalling]))
    const { code, cursor } = await stalling
    await producer.stop()
    const over = new AbortController()
    const resuming = reader({
      urls: [gateway.url],
      topic: TOPIC,
      name: 'slow',
      over: over.signal,
      record: slow,
      cursor,
    })
    await untilRead(bootstrap, TOPIC, [slow.history])
    over.abort()
    await resuming
    const log = await readNumbers(bootstrap, TOPIC)
    const verdict = judgeReader(slow.history, log)
    const broken = [...verdict.broken]
    for (const { row, ended } of [without, beside]) {
      if (row.breaches > 0) broken.push(`crowd: ${row.breaches} deliveries out of order or behind a gap`)
      if (ended.length > 0)
        broken.push(`crowd: ${ended.length} readers were closed, with ${[...new Set(ended)].join()}`)
    }
    if (code !== 4508) broken.push(`crowd: the slow reader was closed with ${code}, not 4508`)
    return {
      rows: [
        { ...rowOf('crowd', 'the slow one, resumed', figuresOf([slow.history], log), [verdict]), ...untimed },
      ],
      table: [without.row, beside.row],
      broken,
      notes: [`crowd: the slow reader was closed with ${code} and went on by its cursor`],
    }
  } finally {
    for (const child of processes) child.kill('SIGKILL')
    await gateway.end('SIGKILL')
  }
}

/** @throws Error where so many sockets can't be had */
function checkOpenFiles(readers: number): void {
  const limit = Number(execFileSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8' }))
  if (limit < readers + 500)
    throw new Error(`${readers} readers need more open files than ulimit -n ${limit}`)
}

/** Writes numbers that are a kilobyte each: nothing but their header is long. */
async function fill(url: string): Promise<void> {
  const headers = { padding: '.'.repeat(1_000) }
  const records = Array.from({ length: 1_000 }, (_, n) => ({ key: `k${n % 97}`, value: n, headers }))
  const batches = Array.from({ length: BACKLOG_BYTES / 1_048_576 }, () =>
    postJson(`${url}/v1/topics/${TOPIC}/records`, { records }),
  )
  const answers = await Promise.all(batches)
  if (!answers.every((answer) => answer?.ok === true))
    throw new Error('the crowd’s topic could not be filled')
}

function measured(
  what: string,
  reports: readonly CrowdReport[],
  elapsedMs: number,
  usage: ReturnType<ReturnType<typeof watchUsage>['stop']>,
) {
  const deliveries = reports.reduce((sum, report) => sum + report.deliveries, 0)
  const delays = reports.flatMap((report) => report.delays).sort(([a], [b]) => a - b)
  const quantile = (q: number) => {
    let left = deliveries * q
    return delays.find(([, count]) => (left -= count) <= 0)?.[0] ?? 0
  }
  return {
    readers: what,
    deliveriesPerSecond: Math.round((deliveries / elapsedMs) * 1_000),
    p50: quantile(0.5),
    p99: quantile(0.99),
    max: delays.at(-1)?.[0] ?? 0,
    breaches: reports.reduce((sum, report) => sum + report.breaches, 0),
    rssMb: Math.round(usage?.rssMb ?? 0),
    cpuPercent: Math.round(((usage?.cpuMs ?? 0) / elapsedMs) * 100),
  }
}
