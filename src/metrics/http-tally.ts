import { Histogram } from './histogram.ts'

/** Seconds: from an answer out of memory to one that waits for Kafka's deadline. */
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/** The requests of one operation. */
export interface OperationCounts {
  /** By the first digit of the status; 0 for those whose client left before an answer began. */
  readonly byClass: number[]
  readonly seconds: Histogram
  responseBytes: number
}

/** One request that is over. */
export interface EndedRequest {
  /** The operationId, of which there are few; never a path. */
  readonly operation: string
  /** 0 where the client left before an answer began. */
  readonly status: number
  readonly durationMs: number
  readonly responseBytes: number
  /** A stream lasts as long as its client likes, which says nothing of how fast answers are. */
  readonly isStream: boolean
}

/** Counts requests by operation: rate, errors and duration. */
export class HttpTally {
  readonly #operations = new Map<string, OperationCounts>()
  inFlight = 0

  entries(): IterableIterator<[operation: string, counts: OperationCounts]> {
    return this.#operations.entries()
  }

  ended({ operation, status, durationMs, responseBytes, isStream }: EndedRequest): void {
    let counts = this.#operations.get(operation)
    if (counts === undefined) {
      counts = { byClass: [0, 0, 0, 0, 0, 0], seconds: new Histogram(SECONDS), responseBytes: 0 }
      this.#operations.set(operation, counts)
    }
    counts.byClass[Math.floor(status / 100)]!++
    counts.responseBytes += responseBytes
    if (!isStream && status > 0) counts.seconds.observe(durationMs / 1_000)
  }
}
