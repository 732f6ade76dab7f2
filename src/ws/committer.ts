import type { PartitionOffset } from './delivery-tracker.ts'

/** The least time between two commits of one socket, ms: receipts stay prompt and Kafka is not flooded. */
const MIN_INTERVAL_MS = 25

/** Commits offsets one request at a time, the newest of each partition; what comes meanwhile goes with the next. */
export class Committer {
  readonly #commit: (offsets: PartitionOffset[]) => Promise<void>
  readonly #committed: (offsets: PartitionOffset[]) => void
  readonly #failed: (error: unknown) => void
  #waiting = new Map<string, PartitionOffset>()
  #running: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #lastAt = -Infinity

  constructor(
    commit: (offsets: PartitionOffset[]) => Promise<void>,
    committed: (offsets: PartitionOffset[]) => void,
    failed: (error: unknown) => void,
  ) {
    this.#commit = commit
    this.#committed = committed
    this.#failed = failed
  }

  add(offsets: readonly PartitionOffset[]): void {
    if (offsets.length === 0) return
    for (const offset of offsets) this.#waiting.set(`${offset.topic}:${offset.partition}`, offset)
    if (this.#running !== undefined || this.#timer !== undefined) return
    const wait = this.#lastAt + MIN_INTERVAL_MS - performance.now()
    if (wait <= 0) void this.#run()
    else {
      this.#timer = setTimeout(() => {
        this.#timer = undefined
        void this.#run()
      }, wait)
    }
  }

  /** Commits what waits at once, and resolves when nothing is under way any more. Never rejects. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    await this.#running
    await this.#run()
  }

  /** Forgets what waits for partitions that are not this member's any more. */
  drop(partitions: readonly { topic: string; partition: number }[]): void {
    for (const { topic, partition } of partitions) this.#waiting.delete(`${topic}:${partition}`)
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#waiting.clear()
  }

  #run(): Promise<void> {
    if (this.#waiting.size === 0) return Promise.resolve()
    const offsets = [...this.#waiting.values()]
    this.#waiting = new Map()
    this.#lastAt = performance.now()
    this.#running = this.#commit(offsets)
      .then(() => this.#committed(offsets), this.#failed)
      .finally(() => {
        this.#running = undefined
        this.add([...this.#waiting.values()])
      })
    return this.#running
  }
}
