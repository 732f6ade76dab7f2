/** The writes under way at this gateway, by producer: one that follows another waits for it, or it would come too early. */
export class WritesUnderWay {
  readonly #writes = new Map<string, Set<{ readonly first: number; readonly done: Promise<unknown> }>>()

  /** Settles when every write of the producer that begins below `first` has ended, well or not; undefined for none. */
  before(key: string, first: number): Promise<unknown> | undefined {
    const earlier = [...(this.#writes.get(key) ?? [])].filter((write) => write.first < first)
    return earlier.length === 0 ? undefined : Promise.allSettled(earlier.map(({ done }) => done))
  }

  async run<T>(key: string, first: number, write: () => Promise<T>): Promise<T> {
    const writes = this.#writes.get(key) ?? new Set()
    this.#writes.set(key, writes)
    const done = write()
    const entry = { first, done }
    writes.add(entry)
    try {
      return await done
    } finally {
      writes.delete(entry)
      if (writes.size === 0) this.#writes.delete(key)
    }
  }
}
