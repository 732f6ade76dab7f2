import type { Row } from './row.ts'
import { maxOf, median, medianOf } from './statistics.ts'

/** What one round of one side came to. */
export interface Rate {
  readonly perSecond: number
  readonly rssMb?: number | undefined
  readonly cpuMicros?: number | undefined
}

/** Rounds measured in turn, to be compared. */
export interface Sides {
  readonly figure: readonly Rate[]
  readonly baseline: readonly Rate[]
}

/**
 * One row of two sides. The ratio is the median of the rounds' own ratios: what slowed the machine for a while slowed
 * both sides of a round.
 */
export function compareRates(
  head: {
    readonly benchmark: string
    readonly what: string
    readonly unit: string
    readonly against: string
  },
  { figure, baseline }: Sides,
): Row & { readonly ratio: number } {
  const { against, ...rest } = head
  return {
    ...rest,
    figure: median(figure.map((round) => round.perSecond)),
    baseline: {
      what: against,
      figure: median(baseline.map((round) => round.perSecond)),
      cpuMicros: medianOf(baseline, (round) => round.cpuMicros),
    },
    ratio: median(figure.map((round, i) => round.perSecond / baseline[i]!.perSecond)),
    rssMb: maxOf(figure, (round) => round.rssMb),
    cpuMicros: medianOf(figure, (round) => round.cpuMicros),
    rounds: { figure, baseline },
  }
}
