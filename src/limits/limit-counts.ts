import type { ProblemCode } from '../problems/problems.ts'

/** For connections that are closed before anything is read of them. */
export const CONNECTIONS_PER_ADDRESS = 'connections_per_address'

/** Codes of the problems that say that a limit was passed. */
export const limitCodes = [
  'rate_limited',
  'too_many_streams_of_caller',
  'too_many_streams',
  'too_many_failed_logins',
  'overloaded',
  'body_too_large',
  'line_too_long',
  'headers_too_large',
  'too_many_records',
  'request_timeout',
] as const satisfies readonly ProblemCode[]

const counted: ReadonlySet<string> = new Set([...limitCodes, CONNECTIONS_PER_ADDRESS])

/** Counts what was refused or held back by a limit. */
export class LimitCounts {
  /** Requests that were refused as the event loop was late. */
  shed = 0
  /** Times that a stream or a WebSocket was held back for its rate. */
  held = 0
  readonly refusals = new Map<string, number>()

  /** Counts a refusal by a problem's code, where that is one of a limit. */
  refused(code: string): void {
    if (counted.has(code)) this.refusals.set(code, (this.refusals.get(code) ?? 0) + 1)
  }
}
