import { NotSent } from '../errors.ts'
import { type Call, logIn, type Validity } from './log-in.ts'
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
const SHORTEST_MS = 1_050
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
  /** When a call would come too late, by performance.now(): it is held until the login is renewed. */
  #holdAt = Infinity
  #expiresAt = Infinity
  /** Before this the broker would not take a renewal for one. */
  #earliest = 0
  #renewing = false
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

  /** Has a call sent now, or after the renewal that is under way or due. */
  pass(call: Held): void {
    if (this.#ended !== undefined) return call.reject(new NotSent(this.#ended))
    if (this.#held !== undefined) return void this.#held.push(call)
    if (performance.now() < this.#holdAt) return call.send()
    this.#held = [call]
    if (performance.now() < this.#earliest) return
    // The timer is late: the process was busy, or the machine asleep.
    clearTimeout(this.#timer)
    void this.#renew()
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

  #lasts({ since, lifetimeMs }: Validity): void {
    if (lifetimeMs <= 0) return
    this.#expiresAt = since + lifetimeMs
    this.#holdAt = since + lifetimeMs * LATEST
    // From a moment later than the broker counts from.
    this.#earliest = performance.now() + SHORTEST_MS
    const share = EARLIEST + Math.random() * (LATEST - EARLIEST)
    this.#renewAt(Math.max(this.#earliest, since + lifetimeMs * share))
  }

  #renewAt(time: number): void {
    if (this.#ended !== undefined) return
    const ms = Math.min(Math.max(0, time - performance.now()), LONGEST_TIMER_MS)
    this.#timer = setTimeout(() => void this.#renew(), ms).unref()
  }

  async #renew(): Promise<void> {
    if (this.#renewing) return
    this.#renewing = true
    let begun = false
    try {
      await this.#renewal(async () => {
        // What may take its time: meanwhile calls go on, unless they are too late.
        const conversation = await this.#mechanism.prepare()
        if (this.#ended !== undefined) return
        begun = true
        this.#held ??= []
        this.#lasts(await logIn(this.#call, this.#mechanism.name, conversation))
      })
    } catch (error) {
      const now = performance.now()
      if (begun || now >= this.#expiresAt) this.end(error)
      // It holds for a while yet.
      this.#holdAt = this.#expiresAt
      this.#renewAt(Math.min(now + RETRY_MS, this.#expiresAt))
    }
    this.#renewing = false
    const held = this.#held ?? []
    this.#held = undefined
    for (const { send } of held) send()
  }
}
