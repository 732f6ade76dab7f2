import { type ProblemCode, type ProblemRow, problems } from './problems.ts'

/** What is known of a record after a produce: in the log, provably not in it, or neither. */
export type Outcome = 'written' | 'not_written' | 'unknown'

/** One thing wrong with a request: an RFC 6901 pointer into the body (or a parameter's name) and the reason. */
export interface ProblemPart {
  readonly pointer?: string
  readonly parameter?: string
  readonly reason: string
}

export interface ProblemOptions {
  /** What happened this time, in words a caller may read: no broker text, address or stack. */
  readonly detail?: string
  readonly errors?: readonly ProblemPart[]
  readonly outcome?: Exclude<Outcome, 'written'>
  /** Seconds, for Retry-After. */
  readonly retryAfter?: number
  /** Further members of the answer, such as `limit` or `bounds`. */
  readonly extra?: Readonly<Record<string, unknown>>
  /** Response headers, such as Allow. */
  readonly headers?: Readonly<Record<string, string>>
  /** For the log only. */
  readonly cause?: unknown
}

/** An error a client is told about. Its `cause` never leaves the log. */
export class Problem extends Error {
  readonly code: ProblemCode
  readonly row: ProblemRow
  readonly options: ProblemOptions

  constructor(code: ProblemCode, options: ProblemOptions = {}) {
    const row: ProblemRow = problems[code]
    super(options.detail ?? row.title, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'Problem'
    this.code = code
    this.row = row
    this.options = options
  }

  get status(): number {
    return this.row.status
  }

  /** The members that a problem document, a record's result and a WebSocket error frame have in common. */
  summary(): { code: ProblemCode; title: string; detail: string; retryable: boolean } {
    return { code: this.code, title: this.row.title, detail: this.message, retryable: this.row.retryable }
  }

  /** The problem document of RFC 9457. `type` is a path on this gateway, where the code's page is served. */
  toDocument(instance: string): Record<string, unknown> {
    const { errors, outcome, extra } = this.options
    return {
      type: `/problems/${this.code}`,
      title: this.row.title,
      status: this.row.status,
      detail: this.message,
      instance,
      code: this.code,
      retryable: this.row.retryable,
      ...(outcome === undefined ? {} : { outcome }),
      ...extra,
      ...(errors === undefined ? {} : { errors }),
    }
  }
}
