import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Broker } from '../dev/kafka/broker.ts'
import { startTemporaryCluster } from '../dev/kafka/cluster.ts'
import type { Fault } from './faults.ts'
import { GatewayProcess } from './gateways.ts'
import { isWhole } from './witness.ts'

/** Between the end of one fault and the next, ms: as long as it takes Kafka to be whole again, and so much more. */
const REST_MS = 2_000
const WHOLE_MS = 60_000

/** What every run happens on. */
export interface Stage {
  readonly bootstrap: string
  readonly brokers: readonly Broker[]
  readonly gateways: readonly GatewayProcess[]
  readonly logs: string
}

/** A line about how far the run is. */
export function say(text: string): void {
  process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${text}\n`)
}

/** Starts three brokers and two gateways for as long as `play` takes. */
export async function onStage<T>(play: (stage: Stage) => Promise<T>): Promise<T> {
  const kafka = await startTemporaryCluster(3)
  const logs = mkdtempSync(join(tmpdir(), 'sluice-soak-'))
  const gateways: GatewayProcess[] = []
  try {
    const env = { KAFKA_BROKERS: kafka.bootstrap, SLUICE_LOG_LEVEL: 'warn' }
    for (const n of [1, 2]) gateways.push(await GatewayProcess.start(env, join(logs, `gateway-${n}.log`)))
    say(`running; the gateways' logs are in ${logs}`)
    return await play({ bootstrap: kafka.bootstrap, brokers: kafka.brokers, gateways, logs })
  } finally {
    await Promise.all(gateways.map((gateway) => gateway.end('SIGKILL')))
    await kafka.stop()
  }
}

/** When a fault began and when all was there again, by Date.now(). */
export interface Disturbance {
  readonly name: string
  readonly began: number
  readonly ended: number
}

/** One fault after another for so long, each when Kafka is whole again. Returns those there were. */
export async function disturb(
  seconds: number,
  faults: Iterable<Fault>,
  { bootstrap, topics }: { readonly bootstrap: string; readonly topics: readonly string[] },
): Promise<Disturbance[]> {
  const end = performance.now() + seconds * 1_000
  const disturbances: Disturbance[] = []
  for (const fault of faults) {
    await pause(Math.min(REST_MS, Math.max(0, end - performance.now())))
    if (performance.now() >= end) break
    say(fault.name)
    const began = Date.now()
    await fault.run()
    disturbances.push({ name: fault.name, began, ended: Date.now() })
    await whole(bootstrap, topics)
  }
  return disturbances
}

/** Waits until every replica is in sync. @throws Error where that takes too long */
export async function whole(bootstrap: string, topics: readonly string[]): Promise<void> {
  const deadline = performance.now() + WHOLE_MS
  while (!(await isWhole(bootstrap, topics))) {
    if (performance.now() > deadline) throw new Error('Kafka is not whole again after a minute')
    await pause(500)
  }
}

/** Rows of the same members as a table in Markdown. */
export function table<T extends object>(rows: readonly T[]): string {
  const columns = Object.keys(rows[0] ?? {}) as (keyof T & string)[]
  const lines = [
    columns,
    columns.map(() => '---'),
    ...rows.map((row) => columns.map((column) => String(row[column]))),
  ]
  return `${lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`
}
