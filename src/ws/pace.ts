import type { IncomingMessage } from 'node:http'
import type { Principal } from '../auth/principal.ts'
import type { Admission } from '../limits/admission.ts'
import type { Allowance } from '../limits/allowance.ts'
import type { WsConnection } from './connection.ts'

/** How often a socket that is held back is looked at, ms: its limit may be another by then. */
const LOOK_MS = 1_000

/**
 * Holds a socket to its caller's rate: each message that has come counts, and the next is not read before there is room
 * for it. Nothing is refused: an ack that was would be a record that comes again.
 */
export class Pace {
  readonly #admission: Admission
  readonly #incoming: IncomingMessage
  readonly #connection: Pick<WsConnection, 'hold'>
  #timer: NodeJS.Timeout | undefined

  constructor(admission: Admission, incoming: IncomingMessage, connection: Pick<WsConnection, 'hold'>) {
    this.#admission = admission
    this.#incoming = incoming
    this.#connection = connection
  }

  /** Counts a message. */
  came(bytes: number, principal: Principal): void {
    const { limiter } = this.#admission
    if (!limiter.isOn) return
    const allowance = limiter.of(principal, this.#incoming)
    allowance?.takeMessage(bytes)
    if (allowance === undefined || allowance.messageOpensIn === 0 || this.#timer !== undefined) return
    this.#admission.held()
    this.#connection.hold(this, true)
    this.#wait(allowance)
  }

  #wait(allowance: Allowance): void {
    const ms = allowance.messageOpensIn
    if (ms > 0) {
      this.#timer = setTimeout(() => this.#wait(allowance), Math.min(ms, LOOK_MS)).unref()
      return
    }
    this.#timer = undefined
    this.#connection.hold(this, false)
  }

  stop(): void {
    clearTimeout(this.#timer)
  }
}
