import { NotSent } from '../errors.ts'
import { type Call, logIn } from './log-in.ts'
import type { Conversation, Mechanism } from './mechanism.ts'

/** A call that waits for a login to be done. */
interface Held {
  readonly send: () => void
  readonly reject: (error: Error) => void
}

/** A login is renewed after so much of its time, chosen at random so that connections made together part (as in Java). */
const EARLIEST = 0.85
const LATEST = 0.95
/** A broker takes a renewal that follows another within a second for a mistake (Kafka's `SaslServerAuthenticator`). */
const SHORTEST_MS = 1_100
/** One that could not be begun, for want of a token, is tried again after this, ms. */
const RETRY_MS = 1_000
/** The longest a timer can be set for, ms. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/**
 * What one connection's login is good for (KIP-368). A broker cuts a connection at the first call after the login has
 * expired, so it is renewed before that, between two calls: those made in the meantime are held, since a broker takes
 * anything but the login's own messages for an attack. It answers the calls before them first.
 */
export class Session {
  readonly #mechanism: Mechanism
  readonly #call: Call
  readonly #renewal: <T>(renew: () => Promise<T>) => Promise<T>
  readonly #onEnd: () => void
  #expiresAt = Infinity
  #timer: NodeJS.Timeout | undefined
  #held: Held[] | undefined
  #ended: unknown

  /**
   * @param call makes a call on the connection at once
   * @param renewal runs each renewal, or refuses to
   * @param onEnd is told when the login has expired and could not be renewed
   */
  constructor(
    mechanism: Mechanism,
    call: Call,
    renewal: <T>(renew: () => Promise<T>) => Promise<T>,
    onEnd: () => void,
  ) {
    this.#mechanism = mechanism
    this.#call = call
    this.#renewal = renewal
    this.#onEnd = onEnd
  }

  /** False once no call can be made any more. */
  get valid(): boolean {
    return this.#ended === undefined
  }

  /**
   * The first login.
   * @throws as logIn()
   */
  async begin(conversation: Conversation): Promise<void> {
    this.#lasts(await logIn(this.#call, this.#mechanism.name, conversation))
  }

  /** Has a call sent now, or after the renewal under way. */
  pass(call: Held): void {
    if (this.#ended !== undefined) call.reject(new NotSent(this.#ended))
    else if (this.#held !== undefined) this.#held.push(call)
    else call.send()
  }

  /** Renews nothing any more; calls that wait are not sent. */
  end(cause: unknown): void {
    if (this.#ended !== undefined) return
    this.#ended = cause
    clearTimeout(this.#timer)
    const held = this.#held ?? []
    this.#held = undefined
    for (const { reject } of held) reject(new NotSent(cause))
    this.#onEnd()
  }

  #lasts(lifetimeMs: number): void {
    if (lifetimeMs <= 0) return
    this.#expiresAt = performance.now() + lifetimeMs
    const share = EARLIEST + Math.random() * (LATEST - EARLIEST)
    this.#renewIn(Math.max(SHORTEST_MS, lifetimeMs * share))
  }

  #renewIn(ms: number): void {
    if (this.#ended !== undefined) return
    this.#timer = setTimeout(() => void this.#renew(), Math.min(ms, LONGEST_TIMER_MS)).unref()
  }

  async #renew(): Promise<void> {
    try {
      await this.#renewal(async () => {
        // What may take its time: meanwhile calls go on.
        const conversation = await this.#mechanism.prepare()
        if (this.#ended !== undefined) return
        this.#held = []
        this.#lasts(await logIn(this.#call, this.#mechanism.name, conversation))
      })
    } catch (error) {
      const left = this.#expiresAt - performance.now()
      if (this.#held !== undefined || left <= 0) this.end(error)
      else this.#renewIn(Math.min(RETRY_MS, left))
      return
    }
    const held = this.#held ?? []
    this.#held = undefined
    for (const { send } of held) send()
  }
}
