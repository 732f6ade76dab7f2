import type { Deadline } from '../deadline.ts'
import { Gate } from '../reader/gate.ts'

/** Lets so many in at once for each key. A key that nobody uses takes no memory. */
export class KeyedGate<Key> {
  readonly #places: number
  readonly #gates = new Map<Key, { gate: Gate; users: number }>()

  constructor(places: number) {
    this.#places = places
  }

  /**
   * Waits for a place; what is given back leaves it, and may be called more than once.
   * @throws Problem kafka_unavailable where the deadline passes first
   */
  async enter(key: Key, deadline: Deadline): Promise<() => void> {
    const entry = this.#gates.get(key) ?? { gate: new Gate(this.#places), users: 0 }
    this.#gates.set(key, entry)
    entry.users++
    let inside = true
    const leave = () => {
      if (!inside) return
      inside = false
      entry.gate.leave()
      if (--entry.users === 0) this.#gates.delete(key)
    }
    const entered = entry.gate.enter()
    try {
      await deadline.within(entered)
    } catch (error) {
      void entered.then(leave)
      throw error
    }
    return leave
  }
}
