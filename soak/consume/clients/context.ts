import type { Seen, Sight } from '../history.ts'

/** What one consumer is given. */
export interface ConsumerContext {
  /** The addresses of the gateways; a consumer turns to another one when its own fails. */
  readonly urls: readonly string[]
  readonly topic: string
  /** Set apart from every other consumer of the history. */
  readonly name: string
  /** Aborted when it is to come to its end. */
  readonly over: AbortSignal
  readonly record: Recorder
}

/** A consumer of one kind: reads until it is told to end, connecting again whenever it has to. */
export type Consumer = (context: ConsumerContext) => Promise<void>

/** Before a consumer connects again, ms. */
export const RECONNECT_MS = 100

/** Writes a history, and counts what happened beside it. */
export class Recorder {
  readonly history: Seen[] = []
  /** By code of an error frame, or of a close: how often. */
  readonly counts = new Map<string, number>()
  #connections = 0

  /** Takes down what a new connection of a client sees. */
  connection(client: string): (...sights: Sight[]) => void {
    const connection = `${client}#${++this.#connections}`
    return (...sights) => {
      const at = Date.now()
      for (const sight of sights) this.history.push({ ...sight, at, client, connection })
    }
  }

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1)
  }
}
