import type { AssignedPartition } from './assigned-partition.ts'
import type { ReaderEvent } from './events.ts'

/** Events not taken yet, with the memory they hold. One taker at a time. */
export class EventQueue {
  #entries: { owner: AssignedPartition; event: ReaderEvent }[] = []
  #bytes = 0
  #waiter: (() => void) | undefined
  #failure: { error: unknown } | undefined
  #closed = false
  readonly #onRoom: () => void
  readonly #onTaken: () => void

  /** `onRoom` is called whenever the queue holds less than before, `onTaken` at the moment in which all is taken. */
  constructor(onRoom: () => void, onTaken: () => void) {
    this.#onRoom = onRoom
    this.#onTaken = onTaken
  }

  /** Memory the waiting records keep alive, in bytes. */
  get bytes(): number {
    return this.#bytes
  }

  push(owner: AssignedPartition, event: ReaderEvent): void {
    this.#entries.push({ owner, event })
    if (event.kind === 'records') this.#bytes += event.bytes
    this.#waiter?.()
  }

  /** Takes back what waits of an assignment that ended. */
  drop(owner: AssignedPartition): void {
    const kept = this.#entries.filter((entry) => entry.owner !== owner)
    if (kept.length === this.#entries.length) return
    this.#entries = kept
    this.#bytes = kept.reduce((sum, { event }) => sum + (event.kind === 'records' ? event.bytes : 0), 0)
    this.#onRoom()
  }

  /** Lets every take() from now on throw. */
  fail(error: unknown): void {
    this.#failure ??= { error }
    this.#waiter?.()
  }

  /** Lets every take() from now on answer an empty list. */
  close(): void {
    this.#closed = true
    this.#entries = []
    this.#bytes = 0
    this.#waiter?.()
  }

  /**
   * All events that wait, as soon as there is one; none once closed.
   * @throws what fail() was given, the signal's reason, or an Error for a second taker
   */
  async take(signal?: AbortSignal): Promise<ReaderEvent[]> {
    if (this.#waiter !== undefined) throw new Error('the events are being waited for already')
    signal?.throwIfAborted()
    while (this.#entries.length === 0 && this.#failure === undefined && !this.#closed) {
      await this.#arrival(signal)
      signal?.throwIfAborted()
    }
    if (this.#entries.length === 0 && this.#failure !== undefined) throw this.#failure.error
    const events = this.#entries.map((entry) => entry.event)
    this.#entries = []
    this.#bytes = 0
    this.#onTaken()
    this.#onRoom()
    return events
  }

  #arrival(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const settle = () => {
        this.#waiter = undefined
        signal?.removeEventListener('abort', settle)
        resolve()
      }
      this.#waiter = settle
      signal?.addEventListener('abort', settle, { once: true })
    })
  }
}
