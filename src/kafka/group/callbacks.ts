import type { GroupLog } from './types.ts'
import { unlessAborted, within } from './waiting.ts'

/** Runs a member's callbacks one after the other; each may hold up the next for a bounded time only. */
export class Callbacks {
  readonly #timeoutMs: number
  readonly #log: GroupLog
  readonly #closing = new AbortController()
  #last: Promise<unknown> = Promise.resolve()

  constructor(timeoutMs: number, log: GroupLog) {
    this.#timeoutMs = timeoutMs
    this.#log = log
  }

  /**
   * Calls back once what was asked for earlier is done, and resolves when the callback is done or its time is up; `late`
   * is told where it fails after that.
   * @throws what the callback throws in time
   */
  run(
    name: string,
    callback: () => void | Promise<void>,
    late: (error: unknown) => void = () => {},
  ): Promise<void> {
    const { signal } = this.#closing
    const turn = this.#last.then(async () => {
      if (signal.aborted) return
      const running = (async () => callback())()
      const done = unlessAborted(running, signal).catch((error: unknown) => {
        // Closed meanwhile: nobody waits any more.
        if (!signal.aborted) throw error
      })
      if (await within(done, this.#timeoutMs)) return done
      this.#log.warn(
        { callback: name, timeoutMs: this.#timeoutMs },
        'a group callback takes too long; the member goes on without it',
      )
      done.catch(late)
    })
    this.#last = turn.catch(() => {})
    return turn
  }

  /** Calls nothing any more. A callback that runs is not waited for. */
  close(): void {
    this.#closing.abort()
  }
}
