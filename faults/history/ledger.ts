import { closeSync, openSync, writeSync } from 'node:fs'
import { type AskDone, now, type SendDone, type SendResult, type Sight, type Untimed } from './events.ts'

/** What there is to say of a connection, without whose it is. */
export type Seen = Sight extends infer S
  ? S extends Sight
    ? Omit<S, 'type' | 'connection' | 'group'>
    : never
  : never

/**
 * Writes the history of one process. What is to be done is on disk before it is done, so that a process that is killed has
 * said so.
 */
export class Ledger {
  readonly #file: number
  #ops = 0
  #connections = 0
  /** Records told `written`, and where each reader is: how far a run is. */
  written = 0
  readonly positions = new Map<string, number>()

  constructor(file: string) {
    this.#file = openSync(file, 'a')
  }

  /** Takes down that records are sent; call the answer with what became of them. */
  send(
    client: string,
    route: string,
    records: readonly (readonly [topic: string, id: string])[],
    { isUnit = false } = {},
  ): (results: readonly SendResult[], longestMs?: number) => void {
    const op = this.#ops++
    const since = this.#write({
      ...{ client, type: 'invoke', f: 'send', op, route, records },
      ...(isUnit && { isUnit: true as const }),
    })
    return (results, longestMs = now() - since) => {
      const is = (outcome: SendResult['outcome']) => results.every((one) => one.outcome === outcome)
      const type: SendDone['type'] = is('written') ? 'ok' : is('not_written') ? 'fail' : 'info'
      this.written += results.filter(({ outcome }) => outcome === 'written').length
      this.#write({ client, type, f: 'send', op, results, longestMs })
    }
  }

  /** Takes down that something is asked for. */
  ask(client: string, route: string): (type: AskDone['type'], code?: string) => void {
    const op = this.#ops++
    const since = this.#write({ client, type: 'invoke', f: 'ask', op, route })
    return (type, code) => {
      const longestMs = now() - since
      this.#write({ client, type, f: 'ask', op, longestMs, ...(code !== undefined && { code }) })
    }
  }

  /** Takes down what a new connection of a client sees; of a group's members the position is the group's. */
  connection(client: string, group?: string): (...sights: Seen[]) => void {
    const connection = `${client}#${++this.#connections}`
    return (...sights) => {
      for (const sight of sights) {
        if (sight.f === 'poll') {
          const stream = `${group ?? client} ${sight.topic}/${sight.partition}`
          const next = (sight.records.at(-1)?.[0] ?? -1) + 1
          this.positions.set(stream, Math.max(next, this.positions.get(stream) ?? 0))
        }
        const type = sight.f === 'told' || sight.f === 'closed' ? 'info' : 'ok'
        const event = { client, type, connection, ...(group !== undefined && { group }), ...sight }
        this.#write(event as Untimed)
      }
    }
  }

  close(): void {
    closeSync(this.#file)
  }

  #write(event: Untimed): number {
    const at = now()
    writeSync(this.#file, `${JSON.stringify({ at: Math.round(at * 1_000) / 1_000, ...event })}\n`)
    return at
  }
}
