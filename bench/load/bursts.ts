import { pino } from 'pino'
import { Cluster } from '../../src/kafka/cluster.ts'
import { RecordWriter } from '../../src/kafka/writer/record-writer.ts'
import { watchUsage } from '../harness/process-usage.ts'
import { median } from '../harness/statistics.ts'
import { valueAt } from './records.ts'

export interface BurstOptions {
  readonly brokers: string
  readonly topic: string
  /** How many read the topic at once. */
  readonly readers: number
  /** Records written at once; the next when every reader has these. */
  readonly burst: number
  readonly warmup: number
  readonly seconds: number
}

export interface BurstResult {
  /** Records that came to a reader, all readers together. */
  readonly perSecond: number
  /** From writing a burst to the last reader having it, ms. */
  readonly p50Ms: number
  readonly rssMb: number | undefined
  /** Of processor time of the process watched, for each record that came to a reader. */
  readonly cpuMicros: number | undefined
}

/** Is in every value once, and nowhere else in what a gateway says of a record. */
export const MARK = 0x5e

/** Counts what comes to many readers, and knows when all have everything. */
export class Deliveries {
  readonly #counts: number[]
  #missing = 0
  #onAll: (() => void) | undefined

  constructor(readers: number) {
    this.#counts = new Array<number>(readers).fill(0)
  }

  add(reader: number, records: number): void {
    this.#counts[reader]! += records
    this.#missing -= records
    if (this.#missing === 0) this.#onAll?.()
  }

  /** Resolves when each reader has so many more. @throws where one has another number */
  async all(records: number): Promise<void> {
    const before = this.#counts[0]!
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#onAll = resolve
    this.#missing += records * this.#counts.length
    if (this.#missing > 0) await promise
    const wrong = this.#counts.find((count) => count !== before + records)
    if (wrong !== undefined) throw new Error(`a reader has ${wrong} records of ${before + records}`)
  }
}

/** Writes bursts, each when all readers have the one before, and says how fast that goes. `pid` is the process watched. */
export async function runBursts(
  { brokers, topic, readers, burst, warmup, seconds }: BurstOptions,
  deliveries: Deliveries,
  pid: number,
): Promise<BurstResult> {
  const cluster = new Cluster({ brokers: brokers.split(','), clientId: 'sluice-bench' })
  const writer = new RecordWriter(cluster, { timeoutMs: 30_000 }, pino({ level: 'silent' }))
  const values = Array.from({ length: burst }, (_, i) => Buffer.from(valueAt(i).replace('abc', 'ab^')))
  const records = values.map((value) => ({ key: null, value, headers: [] }))
  const once = async () => {
    const began = performance.now()
    const all = deliveries.all(burst)
    const results = await writer.write(topic, records)
    if (results.some(({ outcome }) => outcome !== 'written')) throw new Error('a record was not written')
    await all
    return performance.now() - began
  }
  for (const began = performance.now(); performance.now() - began < warmup * 1_000;) await once()
  const watch = watchUsage(pid)
  const times: number[] = []
  const began = performance.now()
  while (performance.now() - began < seconds * 1_000) times.push(await once())
  const delivered = times.length * burst * readers
  const perSecond = (delivered * 1_000) / (performance.now() - began)
  const usage = watch.stop()
  writer.close()
  await cluster.close()
  const cpuMicros = usage === undefined ? undefined : (usage.cpuMs * 1_000) / delivered
  return { perSecond, p50Ms: median(times), rssMb: usage?.rssMb, cpuMicros }
}
