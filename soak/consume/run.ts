import { brokerFaults, killGateway } from '../faults.ts'
import type { ConsumeOptions, Scenario } from '../options.ts'
import { onStage, say, type Stage, table } from '../stage.ts'
import { churn } from './scenarios/churn.ts'
import { crowd } from './scenarios/crowd.ts'
import type { Result } from './scenarios/result.ts'
import { underFaults } from './scenarios/under-faults.ts'

const scenarioOf: Readonly<Record<Scenario, (stage: Stage, options: ConsumeOptions) => Promise<Result>>> = {
  churn,
  replica: underFaults('replica', [killGateway]),
  brokers: underFaults('brokers', brokerFaults),
  crowd,
}

/** Consumers of every kind, under faults. Prints what was found; resolves with whether every promise was kept. */
export async function consume(options: ConsumeOptions): Promise<boolean> {
  const { seconds, seed, scenarios } = options
  say(`seed ${seed}, ${seconds} s each; starting three brokers and two gateways`)
  return onStage(async (stage) => {
    const results: Result[] = []
    for (const scenario of scenarios) {
      say(scenario)
      results.push(await scenarioOf[scenario](stage, options))
    }
    const print = (text: string) => process.stdout.write(`${text}\n`)
    print(`seed ${seed}, ${seconds} s each\n\n${table(results.flatMap(({ rows }) => rows))}`)
    for (const { table: own } of results) if (own !== undefined) print(table(own))
    for (const { notes } of results) for (const note of notes) print(`- ${note}`)
    const broken = results.flatMap((result) => result.broken)
    for (const sentence of broken) print(`BROKEN ${sentence}`)
    return broken.length === 0
  })
}
