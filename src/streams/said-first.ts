import type { ReaderEvent } from '../kafka/record-reader.ts'
import type { EventReader } from './event-reader.ts'
import type { StreamEvent } from './events.ts'

/** What a stream has to say that did not come from its reader: it is said first, and ends the wait for the reader. */
export class SaidFirst {
  #events: StreamEvent[] = []
  #interrupt = new AbortController()

  say(event: StreamEvent): void {
    this.#events.push(event)
    this.#interrupt.abort()
  }

  get isEmpty(): boolean {
    return this.#events.length === 0
  }

  take(): StreamEvent[] {
    return this.#events.splice(0)
  }

  /** What the reader has; nothing where there is something to be said first, or the signal is aborted. @throws as its next() */
  async next(reader: EventReader, signal: AbortSignal): Promise<readonly ReaderEvent[]> {
    if (this.#interrupt.signal.aborted) this.#interrupt = new AbortController()
    const interrupt = this.#interrupt
    const abort = () => interrupt.abort()
    signal.addEventListener('abort', abort, { once: true })
    try {
      return await reader.next(interrupt.signal)
    } catch (error) {
      if (interrupt.signal.aborted) return []
      throw error
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }
}
