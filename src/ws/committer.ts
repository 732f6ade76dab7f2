import { Problem } from '../problems/problem.ts'
import type { PartitionOffset } from './delivery-tracker.ts'
import { keyOf, type TopicPartition } from '../kafka/topic-partition.ts'

/** The least time between two commits of one socket, ms: receipts stay prompt and Kafka is not flooded. */
const MIN_INTERVAL_MS = 25
/** Before a commit that failed is tried again, ms. */
const RETRY_MS = 250

export interface CommitterHandlers {
  /** @throws Problem */
  commit(offsets: PartitionOffset[]): Promise<void>
  /** Kafka has confirmed these. */
  committed(offsets: PartitionOffset[]): void
  /** A commit failed: for good, or for the first time of several while it is tried again. */
  failed(error: unknown): void
  /** Whether the partition is this member's, so that another try makes sense. */
  owns(partition: TopicPartition): boolean
}

/**
 * Commits offsets one request at a time, the newest of each partition; what comes meanwhile goes with the next. What
 * fails for a passing reason is tried again as long as the partition is held: the client has acked it, and won't again.
 */
export class Committer {
  readonly #handlers: CommitterHandlers
  readonly #waiting = new Map<string, PartitionOffset>()
  /** In the request under way, less what was dropped since. */
  #inFlight = new Map<string, PartitionOffset>()
  /** Partitions of which an offset was given up, and no later one has been committed. */
  readonly #refused = new Set<string>()
  #running: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  /** Not before, on the clock of performance.now(): to spare Kafka, and after a failure. */
  #paceAt = -Infinity
  #retryAt = -Infinity
  #failing = false
  #stopped = false

  constructor(handlers: CommitterHandlers) {
    this.#handlers = handlers
  }

  add(offsets: readonly PartitionOffset[]): void {
    if (this.#stopped) return
    for (const offset of offsets) this.#waiting.set(keyOf(offset), offset)
    this.#schedule()
  }

  /**
   * Commits what waits of these partitions, or all that does, without the usual pause. Resolves with whether Kafka has
   * confirmed all that was ever added of them; after `ms` at the latest. Never rejects.
   */
  async flush(ms: number, partitions?: readonly TopicPartition[]): Promise<boolean> {
    const by = performance.now() + ms
    const keys = partitions?.map(keyOf)
    const isAmong = (offsets: { readonly size: number; has(key: string): boolean }) =>
      keys === undefined ? offsets.size > 0 : keys.some((key) => offsets.has(key))
    while (isAmong(this.#waiting) || isAmong(this.#inFlight)) {
      const left = by - performance.now()
      if (left <= 0 || this.#stopped) return false
      const pause = this.#retryAt - performance.now()
      if (this.#running === undefined && pause <= 0) this.#start()
      if (this.#running === undefined) await within(undefined, Math.min(left, pause))
      else await within(this.#running, left)
    }
    return !isAmong(this.#refused)
  }

  /** Forgets what waits for partitions that are not this member's any more. */
  drop(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) {
      this.#waiting.delete(keyOf(partition))
      this.#inFlight.delete(keyOf(partition))
      this.#refused.delete(keyOf(partition))
    }
  }

  /** Commits nothing any more. */
  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
    this.#waiting.clear()
  }

  #schedule(): void {
    if (this.#stopped || this.#waiting.size === 0) return
    if (this.#running !== undefined || this.#timer !== undefined) return
    const wait = Math.max(this.#paceAt, this.#retryAt) - performance.now()
    if (wait <= 0) return this.#start()
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#start()
    }, wait)
  }

  #start(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#inFlight = new Map(this.#waiting)
    this.#waiting.clear()
    this.#paceAt = performance.now() + MIN_INTERVAL_MS
    this.#running = this.#send().finally(() => {
      this.#running = undefined
      this.#inFlight = new Map()
      this.#schedule()
    })
  }

  async #send(): Promise<void> {
    const { commit, committed } = this.#handlers
    try {
      await commit([...this.#inFlight.values()])
    } catch (error) {
      this.#again(error)
      return
    }
    this.#failing = false
    for (const key of this.#inFlight.keys()) this.#refused.delete(key)
    if (this.#inFlight.size > 0) committed([...this.#inFlight.values()])
  }

  #again(error: unknown): void {
    const { owns, failed } = this.#handlers
    const isStale = error instanceof Problem && error.code === 'stale_member'
    const isPassing = error instanceof Problem && error.row.retryable
    let refused = false
    for (const [key, offset] of this.#inFlight) {
      // One partition that was just taken fails the commits of those that were not.
      if (!(isPassing || isStale) || !owns(offset)) {
        this.#refused.add(key)
        refused = true
      } else if (!this.#waiting.has(key)) this.#waiting.set(key, offset)
    }
    this.#retryAt = performance.now() + RETRY_MS
    if (refused || (isPassing && !this.#failing)) failed(error)
    this.#failing = true
  }
}

async function within(promise: Promise<void> | undefined, ms: number): Promise<void> {
  const { promise: expired, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, ms)
  await Promise.race(promise === undefined ? [expired] : [promise, expired])
  clearTimeout(timer)
}
