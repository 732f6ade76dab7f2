import { keyOf, type ProducerToken } from './producer-token.ts'

/** What was seen of a producer when Kafka confirmed a write of it. */
export interface Sighting {
  /** Its last sequence number in the log at that time. */
  readonly lastSequence: number
  /** How long the leader remembers a producer, ms. */
  readonly expirationMs: number
}

const MOST = 10_000

/** The producers whose writes Kafka confirmed to this gateway a moment ago: their leader knows them. */
export class RecentProducers {
  readonly #seen = new Map<string, Sighting & { readonly until: number }>()

  get(token: ProducerToken): Sighting | undefined {
    const found = this.#seen.get(keyOf(token))
    return found !== undefined && performance.now() < found.until ? found : undefined
  }

  /** `lastsMs`: how long it may be relied on. */
  saw(token: ProducerToken, { lastSequence, expirationMs }: Sighting, lastsMs: number): void {
    const key = keyOf(token)
    const before = this.get(token)?.lastSequence ?? -1
    this.#seen.delete(key)
    this.#seen.set(key, {
      lastSequence: Math.max(before, lastSequence),
      expirationMs,
      until: performance.now() + lastsMs,
    })
    // The one seen longest ago comes first.
    if (this.#seen.size > MOST) this.#seen.delete(this.#seen.keys().next().value!)
  }

  forget(token: ProducerToken): void {
    this.#seen.delete(keyOf(token))
  }
}
