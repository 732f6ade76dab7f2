import type { ReaderEvent } from '../kafka/record-reader.ts'
import { keyOf, type TopicPartition } from '../kafka/topic-partition.ts'

/** Whether what is assigned has been read to its end. The end moves on while others produce: that of the start counts. */
export class CatchUp {
  /** Partitions not yet read, since they were assigned, to the end they had when the first answer came; with that end. */
  readonly #behind = new Map<string, number>()
  #isOwed = false

  assigned(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#behind.set(keyOf(partition), Infinity)
    this.#isOwed = true
  }

  unassigned(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#behind.delete(keyOf(partition))
  }

  /** Takes note of what was read; true where that was the last that was missing, once for each assignment. */
  reached(event: ReaderEvent): boolean {
    if (event.kind !== 'records' && event.kind !== 'progress') return false
    const key = keyOf(event)
    const target = this.#behind.get(key)
    if (target === undefined) return false
    const end = Math.min(target, event.end)
    if (event.nextOffset < end) this.#behind.set(key, end)
    else this.#behind.delete(key)
    return this.isDue()
  }

  /** True, once for each assignment, where nothing is behind; for when the last that was is given up, too. */
  isDue(): boolean {
    if (!this.#isOwed || this.#behind.size > 0) return false
    this.#isOwed = false
    return true
  }
}
