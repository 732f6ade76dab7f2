import type { PartitionPosition } from './events.ts'

const MIN_BACKOFF_MS = 50
const MAX_BACKOFF_MS = 1_000

/**
 * One partition from being assigned until it is unassigned, repositioned or lost. What comes later for the same
 * partition is another object, so an answer that was under way for this one can't be taken for the next.
 */
export class AssignedPartition {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  /** The next offset to fetch. */
  position: number
  /** Of the leader that metadata named last; -1 before. */
  leaderEpoch = -1
  /** Whether a broker has answered for it. */
  answered = false
  /** Whether an event has told that the position is at the end. */
  toldEnd = false
  /** Whether metadata must be asked again before the next try. */
  stale = false
  /** Not to be tried before, on the clock of performance.now(). */
  retryAt = 0
  /** Since when metadata has shown no such topic. */
  missingSince: number | undefined
  /** Where bytes were found that can't be read; they may have been damaged on the way, so they are fetched once more. */
  faultAt = -1
  #failures = 0

  constructor({ topic, topicId, partition, offset }: PartitionPosition) {
    this.topic = topic
    this.topicId = topicId
    this.partition = partition
    this.position = offset
  }

  /** Puts off the next try: 50 ms, doubled up to 1 s, and less by up to a fifth, so that many readers don't come as one. */
  putOff(): void {
    const backoff = Math.min(MIN_BACKOFF_MS * 2 ** this.#failures, MAX_BACKOFF_MS)
    this.retryAt = performance.now() + backoff * (1 - Math.random() / 5)
    this.stale = true
    this.#failures++
  }

  succeeded(): void {
    this.#failures = 0
    this.retryAt = 0
  }
}
