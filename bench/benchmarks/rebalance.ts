import { groupChurn, type GroupChurnOptions } from '../group-churn.ts'
import type { Bench } from '../harness/bench.ts'
import { interleave } from '../harness/interleave.ts'
import type { Row } from '../harness/row.ts'
import { median } from '../harness/statistics.ts'

const PARTITIONS = 12
/** The gateway's default. */
const HEARTBEAT_MS = 150
/** A member joins and leaves every three seconds: fewer cycles than these say nothing. */
const SHORTEST_SECONDS = 12

/** How late records come while members join and leave, against the Kafka client's own consumer. */
export async function rebalance({ options, topics, brokers, progress }: Bench): Promise<Row[]> {
  const topic = await topics.make(PARTITIONS)
  const churn = (member: GroupChurnOptions['member']) => () =>
    groupChurn({
      brokers,
      topic,
      partitions: PARTITIONS,
      member,
      heartbeatMs: HEARTBEAT_MS,
      seconds: Math.max(options.seconds, SHORTEST_SECONDS),
    })
  const sides = { gateway: churn('gateway'), client: churn('client') }
  const rounds = await interleave(sides, options.rounds, progress)
  await topics.remove([topic])
  return [
    {
      benchmark: 'rebalance',
      what: 'p99, a member joins and leaves every 3 s',
      unit: 'ms',
      figure: median(rounds.gateway.map((r) => r.p99)),
      baseline: { what: 'client consumer', figure: median(rounds.client.map((r) => r.p99)) },
      ratio: median(rounds.gateway.map((r, i) => r.p99 / rounds.client[i]!.p99)),
      rounds,
    },
    {
      benchmark: 'rebalance',
      what: 'records that came twice',
      unit: 'records',
      figure: median(rounds.gateway.map((r) => r.repeated)),
      baseline: { what: 'client consumer', figure: median(rounds.client.map((r) => r.repeated)) },
    },
  ]
}
