import type { GroupLog } from './types.ts'
import { within } from './waiting.ts'

/** Runs a member's callbacks one after the other; each may hold up the next for a bounded time only. */
export class Callbacks {
  readonly #timeoutMs: number
  readonly #log: GroupLog
  readonly #closed = Promise.withResolvers<void>()
  #last: Promise<unknown> = Promise.resolve()
  #open = true

  constructor(timeoutMs: number, log: GroupLog) {
    this.#timeoutMs = timeoutMs
    this.#log = log
  }

  /**
   * Calls back once what was asked for earlier is done, and resolves when the callback is done or its time is up.
   * @throws what the callback throws in time
   */
  run(name: string, callback: () => void | Promise<void>): Promise<void> {
    const turn = this.#last.then(async () => {
      if (!this.#open) return
      const running = (async () => callback())()
      if (await within(Promise.race([running, this.#closed.promise]), this.#timeoutMs)) {
        return Promise.race([running, this.#closed.promise])
      }
      this.#log.warn(
        { callback: name, timeoutMs: this.#timeoutMs },
        'a group callback takes too long; the member goes on without it',
      )
    })
    this.#last = turn.catch(() => {})
    return turn
  }

  /** Calls nothing any more. A callback that runs is not waited for. */
  close(): void {
    this.#open = false
    this.#closed.resolve()
  }
}
