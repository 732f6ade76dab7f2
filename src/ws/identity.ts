import type { IncomingMessage } from 'node:http'
import { Caller } from '../auth/caller.ts'
import type { Guard } from '../auth/guard.ts'
import { setPrincipal } from '../auth/principal.ts'
import { Problem } from '../problems/problem.ts'

/** How long a socket that is to say who it is by a message may take, ms. */
export const AUTHENTICATE_MS = 5_000
/** How long before its credentials expire a socket is told, ms. */
const NOTICE_MS = 60_000
/** The longest timer there is, ms. */
const MAX_TIMER_MS = 0x7fffffff

export interface IdentityHandlers {
  /** It is known who this is; again, where the credentials are replaced. @throws Problem where they can't be used */
  known(caller: Caller): void
  /** Asks again for what the socket does. @throws Problem where it may not, any more */
  still(): void
  expiring(expiresAt: number): void
  /** It may not go on. */
  failed(problem: Problem): void
}

/** Who a socket is served to: as its handshake said, or an `authenticate` message, which may come again with a newer token. */
export class Identity {
  readonly #guard: Guard
  readonly #incoming: IncomingMessage
  readonly #handlers: IdentityHandlers
  readonly #known = Promise.withResolvers<void>()
  #caller: Caller
  #unwatch: () => void = () => {}
  #notice: NodeJS.Timeout | undefined
  #late: NodeJS.Timeout | undefined
  #isOver = false

  /** `byMessage` where the handshake has left it to a message. */
  constructor(guard: Guard, incoming: IncomingMessage, byMessage: boolean, handlers: IdentityHandlers) {
    this.#guard = guard
    this.#incoming = incoming
    this.#handlers = handlers
    this.#caller = guard.callerOf(incoming)
    if (byMessage && guard.enabled) {
      const problem = () => handlers.failed(new Problem('unauthenticated'))
      this.#late = setTimeout(problem, AUTHENTICATE_MS).unref()
    } else this.#take(this.#caller)
  }

  get caller(): Caller {
    return this.#caller
  }

  /** Settles when it is known who this is. */
  get known(): Promise<void> {
    return this.#known.promise
  }

  /**
   * Takes a token as the socket's credentials from now on.
   * @throws Problem invalid_credentials, also for those of another principal than before; auth_unavailable
   */
  async authenticate(token: string): Promise<Caller> {
    const principal = await this.#guard.authenticateToken(token, this.#incoming)
    const isOther = this.#late === undefined && principal.name !== this.#caller.principal.name
    if (isOther && this.#guard.enabled) {
      throw new Problem('invalid_credentials', {
        detail: 'These are of another principal than this socket is of.',
      })
    }
    this.#take(new Caller(this.#guard, principal))
    this.#late = undefined
    setPrincipal(this.#incoming, principal)
    return this.#caller
  }

  /** @throws as IdentityHandlers.known */
  #take(caller: Caller): void {
    const { known, still, failed, expiring } = this.#handlers
    // Otherwise the socket has gone while it was found out.
    if (!this.#isOver) known(caller)
    this.#release()
    this.#caller = caller
    if (this.#isOver) return
    this.#unwatch = caller.watch(still, failed)
    const { expiresAt } = caller.principal
    if (expiresAt !== undefined) {
      const wait = Math.min(Math.max(expiresAt - NOTICE_MS - Date.now(), 0), MAX_TIMER_MS)
      this.#notice = setTimeout(() => expiring(expiresAt), wait).unref()
    }
    this.#known.resolve()
  }

  stop(): void {
    this.#isOver = true
    this.#release()
  }

  #release(): void {
    this.#unwatch()
    clearTimeout(this.#notice)
    clearTimeout(this.#late)
  }
}
