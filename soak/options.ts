import { parseArgs } from 'node:util'

export interface SoakOptions {
  readonly seconds: number
  readonly seed: number
  /** The routes that clients write by. */
  readonly routes: readonly string[]
}

export const usage = `npm run soak -- [--seconds 600] [--seed 1] [--routes single,batch,...]

Three brokers, two gateways, clients of every route, and faults by turns; then what clients were told is held against
what Kafka's log has. Exits 0 where no promise was broken.`

/** @throws Error with a sentence for a person */
export function parseOptions(args: readonly string[], known: readonly string[]): SoakOptions {
  const { values } = parseArgs({
    args: [...args],
    options: { seconds: { type: 'string' }, seed: { type: 'string' }, routes: { type: 'string' } },
  })
  const number = (name: 'seconds' | 'seed', fallback: number) => {
    const text = values[name]
    if (text === undefined) return fallback
    if (!/^\d{1,9}$/.test(text)) throw new Error(`--${name}: expected a whole number`)
    return Number(text)
  }
  const routes = values.routes?.split(',') ?? known
  const unknown = routes.find((route) => !known.includes(route))
  if (unknown !== undefined) throw new Error(`--routes: no route ${unknown}; there are ${known.join(', ')}`)
  return { seconds: number('seconds', 600), seed: number('seed', Date.now() % 1_000_000), routes }
}
