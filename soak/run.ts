import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { startTemporaryCluster } from '../dev/kafka/cluster.ts'
import type { Client } from './clients/client.ts'
import { exactlyOnce } from './clients/exactly-once.ts'
import { ndjson } from './clients/ndjson.ts'
import { namedTransactions } from './clients/named-transactions.ts'
import { post } from './clients/post.ts'
import { transactions } from './clients/transactions.ts'
import { websocket } from './clients/websocket.ts'
import { schedule } from './faults.ts'
import { GatewayProcess } from './gateways.ts'
import { judge, type RouteRow, type Told } from './history.ts'
import { parseOptions, type SoakOptions, usage } from './options.ts'
import { seededRandom } from './random.ts'
import { isWhole, makeTopics, readLog } from './witness.ts'

/** Each route with how many clients it has. */
const routes: Readonly<Record<string, { readonly client: Client; readonly count: number }>> = {
  single: { client: post('single', 1), count: 4 },
  batch: { client: post('batch', 20), count: 2 },
  ndjson: { client: ndjson, count: 2 },
  websocket: { client: websocket, count: 2 },
  'exactly-once': { client: exactlyOnce, count: 2 },
  transactions: { client: transactions, count: 2 },
  'named-transactions': { client: namedTransactions, count: 2 },
}
const TOPICS = ['soak-a', 'soak-b', 'soak-c']
const PARTITIONS = 4
/** Between the end of one fault and the next, ms: as long as it takes Kafka to be whole again, and so much more. */
const REST_MS = 2_000
const WHOLE_MS = 60_000

const say = (text: string) => process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${text}\n`)

async function soak({ seconds, seed, routes: names }: SoakOptions): Promise<boolean> {
  say(`seed ${seed}, ${seconds} s; starting three brokers and two gateways`)
  const kafka = await startTemporaryCluster(3)
  const logs = mkdtempSync(join(tmpdir(), 'sluice-soak-'))
  const gateways: GatewayProcess[] = []
  try {
    await makeTopics(kafka.bootstrap, TOPICS, PARTITIONS)
    const env = { KAFKA_BROKERS: kafka.bootstrap, SLUICE_LOG_LEVEL: 'warn' }
    for (const n of [1, 2]) gateways.push(await GatewayProcess.start(env, join(logs, `gateway-${n}.log`)))
    say(`running; the gateways' logs are in ${logs}`)
    const told: Told[] = []
    const over = new AbortController()
    const clients = names.flatMap((route) =>
      Array.from({ length: routes[route]!.count }, (_, i) => {
        return routes[route]!.client({
          urls: gateways.map(({ url }) => url),
          topics: TOPICS,
          name: `${route}${i}`,
          over: over.signal,
          tell: (one) => told.push(one),
        })
      }),
    )
    const faults = await disturb(
      seconds,
      { brokers: kafka.brokers, gateways, random: seededRandom(seed) },
      kafka.bootstrap,
    )
    over.abort()
    say('the clients come to their end')
    await Promise.all(clients)
    say(`reading ${told.length} records back`)
    await whole(kafka.bootstrap)
    const { rows, broken } = judge(told, await readLog(kafka.bootstrap, TOPICS))
    process.stdout.write(`seed ${seed}, ${seconds} s, ${faults} faults\n\n${table(rows)}\n`)
    for (const sentence of broken) process.stdout.write(`BROKEN ${sentence}\n`)
    return broken.length === 0
  } finally {
    await Promise.all(gateways.map((gateway) => gateway.end('SIGKILL')))
    await kafka.stop()
  }
}

/** One fault after another for so long. Returns how many there were. */
async function disturb(
  seconds: number,
  targets: Parameters<typeof schedule>[0],
  bootstrap: string,
): Promise<number> {
  const end = performance.now() + seconds * 1_000
  let count = 0
  for (const fault of schedule(targets)) {
    await pause(Math.min(REST_MS, Math.max(0, end - performance.now())))
    if (performance.now() >= end) return count
    say(fault.name)
    await fault.run()
    count++
    await whole(bootstrap)
  }
  return count
}

async function whole(bootstrap: string): Promise<void> {
  const deadline = performance.now() + WHOLE_MS
  while (!(await isWhole(bootstrap, TOPICS))) {
    if (performance.now() > deadline) throw new Error('Kafka is not whole again after a minute')
    await pause(500)
  }
}

function table(rows: readonly RouteRow[]): string {
  const columns = Object.keys(rows[0] ?? {}) as (keyof RouteRow)[]
  const lines = [
    columns,
    columns.map(() => '---'),
    ...rows.map((row) => columns.map((column) => String(row[column]))),
  ]
  return `${lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`
}

try {
  process.exitCode = (await soak(parseOptions(process.argv.slice(2), Object.keys(routes)))) ? 0 : 1
} catch (error) {
  console.error(`soak: ${error instanceof Error ? error.message : String(error)}\n\n${usage}`)
  process.exitCode = 2
}
