import { exactlyOnce } from './clients/exactly-once.ts'
import type { Client } from './clients/client.ts'
import { namedTransactions } from './clients/named-transactions.ts'
import { ndjson } from './clients/ndjson.ts'
import { post } from './clients/post.ts'
import { transactions } from './clients/transactions.ts'
import { websocket } from './clients/websocket.ts'
import { schedule } from './faults.ts'
import { judge, type Told } from './history.ts'
import type { ProduceOptions, Route } from './options.ts'
import { seededRandom } from './random.ts'
import { disturb, onStage, say, table, whole } from './stage.ts'
import { makeTopics, readLog } from './witness.ts'

/** Each route with how many clients it has. */
const clientsOf: Readonly<Record<Route, { readonly client: Client; readonly count: number }>> = {
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

/** Producers of every route under faults. Prints what was found; resolves with whether every promise was kept. */
export async function produce({ seconds, seed, routes }: ProduceOptions): Promise<boolean> {
  say(`seed ${seed}, ${seconds} s; starting three brokers and two gateways`)
  return onStage(async ({ bootstrap, brokers, gateways }) => {
    await makeTopics(bootstrap, TOPICS, PARTITIONS)
    const told: Told[] = []
    const over = new AbortController()
    const clients = routes.flatMap((route) =>
      Array.from({ length: clientsOf[route].count }, (_, i) => {
        return clientsOf[route].client({
          urls: gateways.map(({ url }) => url),
          topics: TOPICS,
          name: `${route}${i}`,
          over: over.signal,
          tell: (one) => told.push(one),
        })
      }),
    )
    const faults = schedule({ brokers, gateways, random: seededRandom(seed) })
    const disturbances = await disturb(seconds, faults, { bootstrap, topics: TOPICS })
    over.abort()
    say('the clients come to their end')
    await Promise.all(clients)
    say(`reading ${told.length} records back`)
    await whole(bootstrap, TOPICS)
    const { rows, broken } = judge(told, await readLog(bootstrap, TOPICS))
    process.stdout.write(`seed ${seed}, ${seconds} s, ${disturbances.length} faults\n\n${table(rows)}\n`)
    for (const sentence of broken) process.stdout.write(`BROKEN ${sentence}\n`)
    return broken.length === 0
  })
}
