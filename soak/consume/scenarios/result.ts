import type { Recorder } from '../clients/context.ts'
import type { Figures } from '../figures.ts'
import type { Faults, Verdict } from '../verdict.ts'

/** A line of the table of what was held against the log. */
export type Row = { readonly scenario: string; readonly consumers: string } & Faults & {
    readonly [figure in keyof Figures]: number | ''
  }

/** What a scenario found. */
export interface Result {
  readonly rows: readonly Row[]
  /** A table of its own, where it has one. */
  readonly table?: readonly object[]
  /** A sentence for each broken promise. */
  readonly broken: readonly string[]
  /** What else there is to say. */
  readonly notes: readonly string[]
}

export function rowOf(
  scenario: string,
  consumers: string,
  figures: Figures,
  verdicts: readonly Verdict[],
): Row {
  const faults = verdicts.map((verdict) => verdict.faults)
  const names = Object.keys(faults[0]!) as (keyof Faults)[]
  const sums = names.map((name) => [name, faults.reduce((sum, one) => sum + one[name], 0)])
  return { scenario, consumers, ...figures, ...(Object.fromEntries(sums) as unknown as Faults) }
}

/** How often consumers were told of what kind of trouble. */
export function told(who: string, records: readonly Recorder[]): string[] {
  const counts = new Map<string, number>()
  for (const [what, count] of records.flatMap((record) => [...record.counts])) {
    counts.set(what, (counts.get(what) ?? 0) + count)
  }
  if (counts.size === 0) return []
  return [`${who}: ${[...counts].map(([what, count]) => `${what} ×${count}`).join(', ')}`]
}
