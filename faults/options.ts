import { parseArgs } from 'node:util'
import type { Scenario } from './scenarios/scenario.ts'

export interface Options {
  readonly scenarios: readonly Scenario[]
  readonly seed: number
  /** Of each scenario; as each has it where it is not given. */
  readonly seconds?: number
  /** Of the gateways' old generation, MB. */
  readonly heapMb?: number
  /** The most that a gateway's process may ever have, MB. */
  readonly maxRssMb?: number
  readonly isKept: boolean
  /** Puts the results into docs/reliability.md. */
  readonly isPublished: boolean
  readonly isList: boolean
}

export const usage = `npm run faults -- [--all | --scenario NAME,...] [--seed 1] [--seconds 20] [--keep] [--publish] [--list]
npm run soak  -- [mixed] [--seconds 1800] [--seed 1] [--max-old-space-size 256] [--max-rss 512]

Three brokers, each behind a proxy that knows Kafka's frames, and two gateways behind a balancer; clients of every kind that
speak HTTP, WebSocket and SSE alone; and something that goes wrong. Then what the clients were told is held against what
Kafka has. \`faults\` plays the short selection of scenarios, \`soak\` goes on breaking one thing after another, and
\`soak -- mixed\` breaks nothing and looks at memory and handles. Prints Markdown. Exits 0 where no promise was broken.`

/** @throws Error with a sentence for a person */
export function parseOptions(args: readonly string[], known: readonly Scenario[]): Options {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean', default: false } as const
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      ...{ seed: text, seconds: text, scenario: text, 'max-old-space-size': text, 'max-rss': text },
      ...{ all: flag, list: flag, keep: flag, publish: flag },
    },
  })
  const number = (name: 'seed' | 'seconds' | 'max-old-space-size' | 'max-rss') => {
    const given = values[name]
    if (given === undefined) return undefined
    if (!/^\d{1,9}$/.test(given)) throw new Error(`--${name}: expected a whole number`)
    return Number(given)
  }
  // `npm run soak` says `soak` by itself, and may be told something else behind it.
  const told = positionals.length > 1 && positionals[0] === 'soak' ? positionals.slice(1) : positionals
  const names = [...told, ...(values.scenario?.split(',') ?? [])]
  const scenarios = names.map((name) => {
    const found = known.find((scenario) => scenario.name === name)
    if (found === undefined) throw new Error(`there is no scenario ${name}; --list says which there are`)
    return found
  })
  const [seconds, heapMb, maxRssMb] = [number('seconds'), number('max-old-space-size'), number('max-rss')]
  return {
    scenarios:
      names.length > 0
        ? scenarios
        : known.filter(({ isShort, isLong }) => (values.all ? isLong !== true : isShort === true)),
    seed: number('seed') ?? Date.now() % 1_000_000,
    ...(seconds !== undefined && { seconds }),
    ...(heapMb !== undefined && { heapMb }),
    ...(maxRssMb !== undefined && { maxRssMb }),
    isKept: values.keep,
    isPublished: values.publish,
    isList: values.list,
  }
}
