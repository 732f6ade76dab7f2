import { httpLoad } from '../load/http.ts'
import { type Bench, WARMUP } from './bench.ts'
import type { Confirmed, Measured } from './meter.ts'

export interface ProduceLoad {
  readonly connections: number
  readonly batch?: number
  readonly valueBytes?: number
}

/** One record a request, each under a key. */
export const SINGLE: ProduceLoad = { connections: 64 }
export const BATCH: ProduceLoad & { readonly batch: number } = { connections: 16, batch: 100 }

interface Server {
  readonly url: string
  readonly pid: number
}

/** Produce load on a gateway, and the proof from Kafka that what was answered 200 was written, once. */
export class Producing {
  readonly #bench: Bench
  readonly #topics: readonly string[]
  #answered = 0
  #unanswered = 0

  constructor(bench: Bench, topics: readonly string[]) {
    this.#bench = bench
    this.#topics = topics
  }

  async run({ url, pid }: Server, load: ProduceLoad): Promise<Measured> {
    const { seconds } = this.#bench.options
    return this.count(httpLoad({ url, pid, topics: this.#topics, ...load, warmup: WARMUP, seconds }))
  }

  /** Another load on the same topics. */
  async count<T extends Confirmed>(load: Promise<T>): Promise<T> {
    const result = await load
    this.#answered += result.answered
    this.#unanswered += result.unanswered
    return result
  }

  /**
   * Call when the gateway has ended, so that nothing is under way. Removes the topics.
   * @throws where records are missing, or there are more than were sent
   */
  async verify(): Promise<void> {
    const written = await this.#bench.topics.count(this.#topics)
    await this.#bench.topics.remove(this.#topics)
    if (written < this.#answered || written > this.#answered + this.#unanswered) {
      throw new Error(`${this.#answered} records were confirmed, and ${written} are in Kafka`)
    }
  }
}
