import { parseArgs } from 'node:util'

/** The routes that producers write by. */
export const routes = [
  'single',
  'batch',
  'ndjson',
  'websocket',
  'exactly-once',
  'transactions',
  'named-transactions',
] as const
export type Route = (typeof routes)[number]

/** What happens to consumers. */
export const scenarios = ['churn', 'replica', 'brokers', 'crowd'] as const
export type Scenario = (typeof scenarios)[number]

export interface ProduceOptions {
  readonly what: 'produce'
  readonly seconds: number
  readonly seed: number
  readonly routes: readonly Route[]
}

export interface ConsumeOptions {
  readonly what: 'consume'
  /** Of each scenario. */
  readonly seconds: number
  readonly seed: number
  /** Sockets of the group that churns; the crowd is fifty times as many. */
  readonly members: number
  readonly scenarios: readonly Scenario[]
}

export const usage = `npm run soak -- [--seconds 600] [--seed 1] [--routes single,batch,...]
npm run soak -- consume [--seconds 60] [--seed 1] [--members 20] [--scenarios churn,replica,brokers,crowd]

Three brokers, two gateways, and faults by turns. Clients of every route to produce: then what they were told is held
against what Kafka's log has. Or consumers of every kind, each scenario for so many seconds: then what they were sent and
what they acked is held against the log and the group's offsets. Prints Markdown. Exits 0 where no promise was broken.`

/** @throws Error with a sentence for a person */
export function parseOptions(args: readonly string[]): ProduceOptions | ConsumeOptions {
  const text = { type: 'string' } as const
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { seconds: text, seed: text, routes: text, members: text, scenarios: text },
  })
  const [what = 'produce'] = positionals
  if (what !== 'produce' && what !== 'consume') throw new Error(`${what}: expected produce or consume`)
  type Name = keyof typeof values
  const foreign: readonly Name[] = what === 'produce' ? ['members', 'scenarios'] : ['routes']
  for (const name of foreign) {
    const other = what === 'produce' ? 'consume' : 'produce'
    if (values[name] !== undefined) throw new Error(`--${name}: of ${other} alone`)
  }
  const number = (name: Name, fallback: number) => {
    const given = values[name]
    if (given === undefined) return fallback
    if (!/^\d{1,9}$/.test(given)) throw new Error(`--${name}: expected a whole number`)
    return Number(given)
  }
  const list = <T extends string>(name: Name, known: readonly T[]): readonly T[] => {
    const given = values[name]?.split(',') ?? known
    const unknown = given.find((one) => !known.some((each) => each === one))
    if (unknown !== undefined) throw new Error(`--${name}: no ${unknown}; there are ${known.join(', ')}`)
    return given as readonly T[]
  }
  const seed = number('seed', Date.now() % 1_000_000)
  if (what === 'produce') {
    return { what, seconds: number('seconds', 600), seed, routes: list('routes', routes) }
  }
  const members = number('members', 20)
  return { what, seconds: number('seconds', 60), seed, members, scenarios: list('scenarios', scenarios) }
}
