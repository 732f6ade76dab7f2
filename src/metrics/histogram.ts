/** Counts values by size, as Prometheus has it: plain numbers, so that a value costs a few comparisons. */
export class Histogram {
  /** Upper bounds, ascending; what is above the last falls into a bucket of its own. */
  readonly bounds: readonly number[]
  /** How many values fell into each bucket alone. */
  readonly #counts: number[]
  #sum = 0

  constructor(bounds: readonly number[]) {
    this.bounds = bounds
    this.#counts = new Array<number>(bounds.length + 1).fill(0)
  }

  observe(value: number): void {
    let bucket = 0
    while (bucket < this.bounds.length && value > this.bounds[bucket]!) bucket++
    this.#counts[bucket]!++
    this.#sum += value
  }

  get sum(): number {
    return this.#sum
  }

  get count(): number {
    return this.#counts.reduce((sum, n) => sum + n, 0)
  }

  /** By bound, how many values were no larger; the last for all of them. */
  *cumulative(): Generator<readonly [bound: number, count: number]> {
    let count = 0
    for (const [n, bound] of [...this.bounds, Infinity].entries()) yield [bound, (count += this.#counts[n]!)]
  }
}
