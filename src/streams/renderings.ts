import { isShared } from '../kafka/shared-reader.ts'
import type { ProgressEvent, RecordsEvent, StreamEvent } from './events.ts'

type Turn = readonly (RecordsEvent | ProgressEvent)[]

/** Whether these are events that others are given too: records and progress alone, and the same array for all. */
export function isSharedTurn(events: readonly StreamEvent[]): events is Turn {
  return isShared(events)
}

/** What was made of turns that many streams are given, so that it is made once for all of them. */
export class Renderings<T> {
  readonly #made = new WeakMap<Turn, Map<string, T>>()

  /**
   * What `make` makes of a turn, or made of it for another stream in the same way from the same cursor on: the cursor says
   * where a stream stands in everything that it reads, so what follows is the same to the byte.
   */
  of(turn: Turn, way: string, cursor: string, make: () => T): T {
    let ways = this.#made.get(turn)
    if (ways === undefined) this.#made.set(turn, (ways = new Map()))
    const key = `${way} ${cursor}`
    let made = ways.get(key)
    if (made === undefined) ways.set(key, (made = make()))
    return made
  }
}
