import type { IncomingMessage } from 'node:http'
import type { AuditEntry } from '../audit/audit-log.ts'
import { denialOf } from '../audit/audit-requests.ts'
import type { Deps } from '../deps.ts'
import { clientAddressOf } from '../http/client-address.ts'
import { loggedPath } from '../http/logged-path.ts'
import { principalOf } from '../auth/principal.ts'
import type { Problem } from '../problems/problem.ts'
import type { TraceSpan } from '../tracing/tracing.ts'
import type { Session } from './session.ts'

/** The operationId of the handshake. */
const OPERATION = 'connectStream'
const SWITCHING_PROTOCOLS = 101

/** What is told of one WebSocket, from its handshake to its end: to the metrics, the log, the audit log and the tracer. */
export class SocketObserver {
  readonly #deps: Deps
  readonly #incoming: IncomingMessage
  readonly #requestId: string
  readonly #since = performance.now()
  /** Of the handshake; what is sent on the socket belongs to it. */
  readonly span: TraceSpan | undefined

  constructor(deps: Deps, incoming: IncomingMessage, requestId: string) {
    this.#deps = deps
    this.#incoming = incoming
    this.#requestId = requestId
    this.span = deps.tracing?.handshake(incoming)
  }

  refused(problem: Problem): void {
    const { status, code, cause, message } = problem
    const { log, audit, meters } = this.#deps
    this.#answered(status, code)
    if (status >= 500) log.warn({ requestId: this.#requestId, code, cause }, message)
    meters.limits.refused(code)
    const outcome = denialOf(code)
    if (outcome !== undefined) audit?.write({ ...this.#who(), status, outcome, code })
  }

  opened(): void {
    this.#answered(SWITCHING_PROTOCOLS)
    this.#deps.audit?.write({ ...this.#who(), status: SWITCHING_PROTOCOLS, outcome: 'opened' })
  }

  /** `bytes` are those that were sent. */
  ended({ summary, subscribedTo }: Session, bytes: number): void {
    const { meters, audit } = this.#deps
    const { code, isOurs, produced } = summary
    meters.closed(isOurs ? String(code) : 'client')
    audit?.write({
      ...this.#who(),
      resource: subscribedTo,
      status: code,
      outcome: 'closed',
      bytes,
      records: produced,
      durationMs: this.#durationMs,
    })
  }

  #answered(status: number, code?: string): void {
    const { meters, log, config } = this.#deps
    const durationMs = performance.now() - this.#since
    meters.http.ended({ operation: OPERATION, status, durationMs, responseBytes: 0, isStream: true })
    this.span?.end({ 'http.response.status_code': status }, status >= 500 ? String(status) : undefined)
    const level = config.accessLog ? 'info' : 'debug'
    if (!log.isLevelEnabled(level)) return
    const { requestId, principal, ip, operation, method } = this.#who()
    const path = loggedPath(this.#incoming.url)
    log[level](
      { requestId, principal, ip, operation, method, path, status, code, durationMs: this.#durationMs },
      'request',
    )
  }

  get #durationMs(): number {
    return Math.round(performance.now() - this.#since)
  }

  #who(): Omit<AuditEntry, 'outcome'> {
    const incoming = this.#incoming
    return {
      requestId: this.#requestId,
      principal: principalOf(incoming)?.name,
      ip: clientAddressOf(incoming),
      method: incoming.method,
      operation: OPERATION,
    }
  }
}
