import { Problem } from '../problems/problem.ts'
import type { CallerLimits } from './caller-limits.ts'
import { TokenBucket } from './token-bucket.ts'

/** Names of the policies, in the fields and in `violated-policies`. */
const REQUESTS = 'requests'
const BYTES = 'bytes'
const READ_BYTES = 'read-bytes'

/** What is told of a rate that is exceeded. */
const SENTENCES = {
  [REQUESTS]: 'may send % requests a second',
  [BYTES]: 'may send % bytes of requests a second',
  [READ_BYTES]: 'may read % bytes of records a second',
}

/** What one caller has left: rates and streams. */
export class Allowance {
  /** `key:billing`, or `address:192.0.2.7`. */
  readonly who: string
  #limits: CallerLimits
  #burstSeconds: number
  #requests: TokenBucket | undefined
  #bytes: TokenBucket | undefined
  #readBytes: TokenBucket | undefined
  #policyField = ''
  #streams = 0

  constructor(who: string, limits: CallerLimits, burstSeconds: number) {
    this.who = who
    this.#limits = limits
    this.#burstSeconds = burstSeconds
    this.replaceLimits(limits)
  }

  get limits(): CallerLimits {
    return this.#limits
  }

  /** How many streams are open. */
  get streams(): number {
    return this.#streams
  }

  /** Takes other limits. What is left of one that stays the same stays, too. */
  replaceLimits(limits: CallerLimits): void {
    const renew = (bucket: TokenBucket | undefined, perSecond: number) => {
      if (perSecond === 0) return undefined
      return bucket?.perSecond === perSecond ? bucket : new TokenBucket(perSecond, this.#burstSeconds)
    }
    this.#limits = limits
    this.#requests = renew(this.#requests, limits.requestsPerSecond)
    this.#bytes = renew(this.#bytes, limits.bytesPerSecond)
    this.#readBytes = renew(this.#readBytes, limits.readBytesPerSecond)
    const window = `w=${this.#burstSeconds}`
    this.#policyField = [
      this.#requests && `"${REQUESTS}";q=${this.#requests.burst};${window}`,
      this.#bytes && `"${BYTES}";q=${this.#bytes.burst};${window};qu="content-bytes"`,
      this.#readBytes && `"${READ_BYTES}";q=${this.#readBytes.burst};${window};qu="content-bytes"`,
    ]
      .filter(Boolean)
      .join(', ')
  }

  /**
   * Takes one request, whose body is to have so many bytes.
   * @throws Problem rate_limited where this or a body's bytes are used up; nothing was taken
   */
  takeRequest(declaredBytes: number, now: number): void {
    if (this.#requests?.isOpen(now) === false) throw this.#exceeded(REQUESTS, this.#requests, now)
    if (declaredBytes > 0 && this.#bytes?.isOpen(now) === false) throw this.#exceeded(BYTES, this.#bytes, now)
    this.#requests?.take(1, now)
  }

  /** Counts bytes that have come. */
  takeBytes(bytes: number): void {
    this.#bytes?.take(bytes, performance.now())
  }

  /** Counts a message, which has come whatever is left. */
  takeMessage(bytes: number): void {
    const now = performance.now()
    this.#requests?.take(1, now)
    this.#bytes?.take(bytes, now)
  }

  /** Before records are read. @throws Problem rate_limited where what may be read of them is used up */
  checkRead(): void {
    const now = performance.now()
    if (this.#readBytes?.isOpen(now) === false) throw this.#exceeded(READ_BYTES, this.#readBytes, now)
  }

  /** Counts bytes of records that are sent to it. */
  takeReadBytes(bytes: number): void {
    this.#readBytes?.take(bytes, performance.now())
  }

  /** How long a stream is to wait before it sends more records, ms; 0 where it need not. */
  get readOpensIn(): number {
    return this.#readBytes?.opensIn(performance.now()) ?? 0
  }

  /** How long one that can wait is to wait before it takes bytes, ms; 0 where it need not. */
  get bytesOpenIn(): number {
    return this.#bytes?.opensIn(performance.now()) ?? 0
  }

  /** The same before it takes a message. */
  get messageOpensIn(): number {
    const now = performance.now()
    return Math.max(this.#requests?.opensIn(now) ?? 0, this.#bytes?.opensIn(now) ?? 0)
  }

  /** @throws Problem too_many_streams_of_caller */
  checkStream(): void {
    const { streams } = this.#limits
    if (streams > 0 && this.#streams >= streams) {
      const detail = `${this.who} has ${this.#streams} streams open, and may have ${streams}.`
      throw new Problem('too_many_streams_of_caller', { detail, extra: { limit: streams } })
    }
  }

  /** Counts a stream; what it returns takes it out again, once. */
  takeStream(): () => void {
    this.#streams++
    let isOpen = true
    return () => {
      if (isOpen) this.#streams--
      isOpen = false
    }
  }

  /** Whether it would be no other if it were made anew. */
  isFresh(now: number): boolean {
    const isFull = (bucket: TokenBucket | undefined) =>
      bucket === undefined || bucket.level(now) >= bucket.burst
    return this.#streams === 0 && [this.#requests, this.#bytes, this.#readBytes].every(isFull)
  }

  /** RateLimit-Policy; empty where there is no rate. */
  get policyField(): string {
    return this.#policyField
  }

  /** RateLimit: what is left, once so many bytes have been taken, and in how many seconds all of it is back. */
  field(declaredBytes: number, now: number): string {
    let field = this.#requests === undefined ? '' : member(REQUESTS, this.#requests, 0, now)
    const add = (more: string) => (field = field === '' ? more : `${field}, ${more}`)
    if (this.#bytes !== undefined) add(member(BYTES, this.#bytes, declaredBytes, now))
    if (this.#readBytes !== undefined) add(member(READ_BYTES, this.#readBytes, 0, now))
    return field
  }

  /** What is left now, for whoever asks. */
  remaining(now: number) {
    const left = (bucket: TokenBucket | undefined) => bucket && Math.max(0, Math.floor(bucket.level(now)))
    return { requests: left(this.#requests), bytes: left(this.#bytes), readBytes: left(this.#readBytes) }
  }

  #exceeded(policy: keyof typeof SENTENCES, bucket: TokenBucket, now: number): Problem {
    return new Problem('rate_limited', {
      detail: `${this.who} ${SENTENCES[policy].replace('%', String(bucket.perSecond))}.`,
      retryAfter: Math.ceil(bucket.opensIn(now) / 1_000),
      extra: { 'violated-policies': [policy] },
    })
  }
}

/** draft-ietf-httpapi-ratelimit-headers-10, section 4: `r` is what is left, `t` the seconds until all of it is. */
function member(name: string, bucket: TokenBucket, toCome: number, now: number): string {
  const level = bucket.level(now) - toCome
  const left = level > 0 ? Math.floor(level) : 0
  return `"${name}";r=${left};t=${Math.ceil((bucket.burst - level) / bucket.perSecond)}`
}
