import { watchUsage } from '../harness/process-usage.ts'

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

/** A pass and what a process had of the machine in it. */
export interface WatchedRead extends ReadResult {
  readonly rssMb: number | undefined
  readonly cpuMicros: number | undefined
}

/**
 * Reads twice and gives the second pass: the first only warms the reading process up, since a client that has just
 * started is not what is measured. `pid` is the process to be watched.
 */
export async function secondPass(read: () => Promise<ReadResult>, pid: number): Promise<WatchedRead> {
  await read()
  const watch = watchUsage(pid)
  const result = await read()
  const usage = watch.stop()
  const cpuMicros = usage === undefined ? undefined : (usage.cpuMs * 1_000) / result.records
  return { ...result, rssMb: usage?.rssMb, cpuMicros }
}
