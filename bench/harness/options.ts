import { parseArgs } from 'node:util'

export interface BenchOptions {
  /** Benchmarks to run, in this order. */
  readonly names: readonly string[]
  /** Length of each measured stretch. */
  readonly seconds: number
  /** Measured stretches of each side. */
  readonly rounds: number
  /** A Kafka that runs already; without it one is started for the run. */
  readonly brokers: string | undefined
  /** Where all results of the run are written as one file. */
  readonly json: string | undefined
  /** The commit that `previous` compares with. */
  readonly against: string
}

/** Names a mistake in the command line. */
export class UsageError extends Error {}

export function usage(known: readonly string[]): string {
  return `npm run bench -- [names...] [options]

Names: ${known.join(', ')}; all but \`previous\` where none is given, and \`previous\` too with --against.

  --seconds N          length of each measured stretch, 1 to 600 (4)
  --rounds N           measured stretches of each side, 1 to 50 (3)
  --brokers HOST:PORT  use this Kafka instead of a temporary one
  --json FILE          write all results of the run to this file
  --against REF        the commit to compare with in \`previous\` (HEAD~1)`
}

/**
 * Reads the command line; undefined where help was asked for.
 * @throws UsageError
 */
export function parseOptions(args: readonly string[], known: readonly string[]): BenchOptions | undefined {
  const { values, positionals } = parse(args)
  if (values.help) return undefined
  const unknown = positionals.find((name) => !known.includes(name))
  if (unknown !== undefined) throw new UsageError(`there is no benchmark ${unknown}`)
  const all = known.filter((name) => name !== 'previous' || values.against !== undefined)
  return {
    names: positionals.length > 0 ? [...new Set(positionals)] : all,
    seconds: integer('seconds', values.seconds ?? '4', 600),
    rounds: integer('rounds', values.rounds ?? '3', 50),
    brokers: values.brokers,
    json: values.json,
    against: values.against ?? 'HEAD~1',
  }
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        seconds: text,
        rounds: text,
        brokers: text,
        json: text,
        against: text,
        help: { type: 'boolean', short: 'h' },
      },
    })
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

function integer(name: string, text: string, max: number): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1 || value > max) {
    throw new UsageError(`--${name} is a whole number from 1 to ${max}`)
  }
  return value
}
