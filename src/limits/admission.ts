import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Guard } from '../auth/guard.ts'
import { principalOf } from '../auth/principal.ts'
import type { Limits } from '../config/config.ts'
import type { Answer } from '../http/answer.ts'
import { Problem } from '../problems/problem.ts'
import type { Allowance } from './allowance.ts'
import type { LimitCounts } from './limit-counts.ts'
import { Limiter } from './limiter.ts'
import { LoopWatch } from './loop-watch.ts'

/** Seconds, for Retry-After: a loop that is late is late for a while. */
const RETRY_AFTER = 2
/** A refused body up to this is read and thrown away, so that the connection can be used again; a larger one is not. */
const READ_ANYWAY_BYTES = 65_536

/** Decides, before any of its body is read, whether a request is served now. */
export class Admission {
  readonly limiter: Limiter
  readonly #loop: LoopWatch
  readonly #counts: LimitCounts

  constructor(guard: Guard, limits: Limits, counts: LimitCounts) {
    const {
      rateRequests,
      rateBytes,
      rateReadBytes,
      maxStreamsPerPrincipal,
      rateBurstSeconds,
      maxLoopDelayMs,
    } = limits
    const general = {
      requestsPerSecond: rateRequests,
      bytesPerSecond: rateBytes,
      readBytesPerSecond: rateReadBytes,
      streams: maxStreamsPerPrincipal,
    }
    this.limiter = new Limiter(guard, general, rateBurstSeconds)
    this.#loop = new LoopWatch(maxLoopDelayMs)
    this.#counts = counts
  }

  /** Begins to watch the event loop. */
  start(): void {
    this.#loop.start()
  }

  stop(): void {
    this.#loop.stop()
  }

  /** How late the event loop was when last looked at. */
  get loopDelayMs(): number {
    return this.#loop.delayMs
  }

  /** Sheds load while the event loop is late. @throws Problem overloaded */
  requireCalm(): void {
    if (!this.#loop.isLate) return
    this.#counts.shed++
    throw new Problem('overloaded', {
      detail: 'The gateway is too busy to answer in time.',
      retryAfter: RETRY_AFTER,
      headers: { connection: 'close' },
    })
  }

  /** Of whoever sends a request, as far as that is known; undefined where nobody has a limit. */
  allowanceOf(incoming: IncomingMessage): Allowance | undefined {
    if (!this.limiter.isOn) return undefined
    return this.limiter.of(principalOf(incoming), incoming)
  }

  /**
   * Takes a request off its caller's allowance and says in the answer what is left.
   * @throws Problem rate_limited
   */
  admit(incoming: IncomingMessage, outgoing: ServerResponse): Allowance | undefined {
    const allowance = this.allowanceOf(incoming)
    if (allowance === undefined) return undefined
    const now = performance.now()
    const declared = declaredBytes(incoming)
    try {
      allowance.takeRequest(Number.isFinite(declared) ? declared : 1, now)
    } catch (error) {
      if (declared > READ_ANYWAY_BYTES) outgoing.setHeader('connection', 'close')
      tell(outgoing, allowance, 0, now)
      throw error
    }
    tell(outgoing, allowance, Number.isFinite(declared) ? declared : 0, now)
    return allowance
  }

  /** The same for a handshake: what is left is told where it is refused alone. @throws Problem rate_limited */
  admitHandshake(incoming: IncomingMessage): void {
    const allowance = this.allowanceOf(incoming)
    if (allowance === undefined) return
    const now = performance.now()
    try {
      allowance.takeRequest(0, now)
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      const headers = { 'RateLimit-Policy': allowance.policyField, RateLimit: allowance.field(0, now) }
      throw new Problem(error.code, { ...error.options, headers })
    }
  }

  /** Counts the records that a read is answered with, and says in the answer what is left. */
  countRead(outgoing: Answer, bytes: number): void {
    const { allowance } = outgoing
    if (allowance === undefined) return
    allowance.takeReadBytes(bytes)
    tell(outgoing, allowance, 0, performance.now())
  }

  /** To be told when something that can wait is held back. */
  held(): void {
    this.#counts.held++
  }
}

/** draft-ietf-httpapi-ratelimit-headers-10, sections 3 and 4. */
function tell(outgoing: ServerResponse, allowance: Allowance, declared: number, now: number): void {
  const { policyField } = allowance
  if (policyField === '') return
  outgoing.setHeader('RateLimit-Policy', policyField)
  outgoing.setHeader('RateLimit', allowance.field(declared, now))
}

/** Bytes of the body that is to come: 0 where there is none, Infinity where it isn't said. */
function declaredBytes({ headers }: IncomingMessage): number {
  const length = headers['content-length']
  if (length !== undefined) return Number(length)
  return headers['transfer-encoding'] === undefined ? 0 : Infinity
}
