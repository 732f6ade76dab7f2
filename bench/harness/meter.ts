import { createHistogram } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { watchUsage } from './process-usage.ts'

/** What was counted in one measured stretch. */
export interface Measured {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Most memory of the process under load, sampled. */
  readonly rssMb: number | undefined
  /** Time that process took of the processors for each thing counted: says the same on a busy machine. */
  readonly cpuMicros: number | undefined
  /** How much of one processor the measuring process itself took: near 1 it is what is being measured. */
  readonly generatorBusy: number
}

/** What a load wrote, to be held against what Kafka has. */
export interface Confirmed {
  /** Records that were confirmed, warm-up too. */
  readonly answered: number
  /** Records whose answer was not waited for, at most. */
  readonly unanswered: number
}

/** Counts things and times them, after a warm-up in which they do not count. */
export class Meter {
  readonly #latency = createHistogram({ figures: 3 })
  #count = 0

  count(things = 1): void {
    this.#count += things
  }

  time(ms: number): void {
    this.#latency.record(Math.max(1, Math.round(ms * 1_000)))
  }

  /** Measures for `seconds` after `warmup` seconds, watching the process `pid` meanwhile. */
  async measure(options: { warmup: number; seconds: number; pid?: number | undefined }): Promise<Measured> {
    await sleep(options.warmup * 1_000)
    this.#count = 0
    this.#latency.reset()
    const began = performance.now()
    const own = process.cpuUsage()
    const watch = watchUsage(options.pid)
    await sleep(options.seconds * 1_000)
    // The timer may be late when this process is busy: what counts is the time that passed.
    const ms = performance.now() - began
    const count = this.#count
    const usage = watch.stop()
    const { user, system } = process.cpuUsage(own)
    return {
      perSecond: (count * 1_000) / ms,
      p50Ms: this.#latency.percentile(50) / 1_000,
      p99Ms: this.#latency.percentile(99) / 1_000,
      rssMb: usage?.rssMb,
      cpuMicros: usage === undefined || count === 0 ? undefined : (usage.cpuMs * 1_000) / count,
      generatorBusy: (user + system) / 1_000 / ms,
    }
  }
}
