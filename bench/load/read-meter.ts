/** What reading a topic once gave. */
export interface ReadResult {
  readonly records: number
  /** From the first batch to the last record, the first batch itself left out. */
  readonly perSecond: number
  /** From asking for the records, connection and all, to having the first. */
  readonly firstMs: number
}

/** Counts the records of one pass over a topic, and sees to it that none is missing, twice there or out of order. */
export class ReadMeter {
  readonly #expected: number
  readonly #next = new Map<number, number>()
  readonly #began = performance.now()
  #firstAt: number | undefined
  #first = 0
  #count = 0

  constructor(expected: number) {
    this.#expected = expected
  }

  get done(): boolean {
    return this.#count >= this.#expected
  }

  /** @throws where this is not the record after the partition's last */
  saw(partition: number, offset: number): void {
    const next = this.#next.get(partition) ?? 0
    if (offset !== next)
      throw new Error(`partition ${partition}: got record ${offset} where ${next} was next`)
    this.#next.set(partition, next + 1)
    this.#count++
  }

  /** After each group of records that came together. */
  batchEnded(): void {
    if (this.#firstAt !== undefined) return
    this.#firstAt = performance.now()
    this.#first = this.#count
  }

  result(): ReadResult {
    const firstAt = this.#firstAt ?? this.#began
    return {
      records: this.#count,
      perSecond: ((this.#count - this.#first) * 1_000) / (performance.now() - firstAt),
      firstMs: firstAt - this.#began,
    }
  }
}
