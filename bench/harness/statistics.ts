/** The middle of some numbers; of an even count, between the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** The number below which a share of some sorted ones is; undefined where there is none. */
export function quantile(sorted: readonly number[], share: number): number | undefined {
  return sorted[Math.floor((sorted.length - 1) * share)]
}

/** The median of one figure over rounds; undefined where a round lacks it. */
export function medianOf<T>(
  rounds: readonly T[],
  figure: (round: T) => number | undefined,
): number | undefined {
  const values = rounds.map(figure)
  return values.includes(undefined) || values.length === 0 ? undefined : median(values as number[])
}

export function maxOf<T>(rounds: readonly T[], figure: (round: T) => number | undefined): number | undefined {
  const values = rounds.map(figure).filter((value) => value !== undefined)
  return values.length === 0 ? undefined : Math.max(...values)
}
