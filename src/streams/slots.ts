import { Problem } from '../problems/problem.ts'

/** Seconds, for Retry-After. */
const RETRY_AFTER = 5

/** What a stream is carried by. */
export type StreamKind = 'websocket' | 'events' | 'ndjson'

/** What one caller has of them. */
export interface StreamShare {
  /** @throws Problem where it may have no other */
  checkStream(): void
  takeStream(): () => void
}

/** Counts the streams that are open, over WebSocket and HTTP together. */
export class StreamSlots {
  readonly limit: number
  #taken = 0
  /** How many are open now, and how many have been. */
  readonly counts: Readonly<Record<StreamKind, { open: number; opened: number }>> = {
    websocket: { open: 0, opened: 0 },
    events: { open: 0, opened: 0 },
    ndjson: { open: 0, opened: 0 },
  }

  constructor(limit: number) {
    this.limit = limit
  }

  /** @throws Problem too_many_streams where there is no place for another; as the share */
  check(share?: StreamShare): void {
    share?.checkStream()
    if (this.#taken >= this.limit) throw new Problem('too_many_streams', { retryAfter: RETRY_AFTER })
  }

  /** Takes a place for one stream; what it returns gives it back, once. @throws as check */
  take(kind: StreamKind, share?: StreamShare): () => void {
    this.check(share)
    const giveBack = share?.takeStream()
    const counts = this.counts[kind]
    this.#taken++
    counts.open++
    counts.opened++
    let isTaken = true
    return () => {
      if (!isTaken) return
      isTaken = false
      this.#taken--
      counts.open--
      giveBack?.()
    }
  }
}
