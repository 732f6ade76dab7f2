/** What stands for the names that came when there were enough. */
export const OTHER = 'other'

/**
 * Names fit to be the values of a label: the first so many that come, and one for all later ones. Each value is a series
 * that Prometheus keeps, and names come from clients.
 */
export class LabelNames {
  readonly #limit: number
  readonly #names = new Set<string>()

  constructor(limit: number) {
    this.#limit = limit
  }

  of(name: string): string {
    if (this.#names.has(name)) return name
    if (this.#names.size >= this.#limit) return OTHER
    this.#names.add(name)
    return name
  }
}
