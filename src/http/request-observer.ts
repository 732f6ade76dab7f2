import type { IncomingMessage } from 'node:http'
import type { Logger } from 'pino'
import type { Answer, RequestObserver } from './answer.ts'
import { auditRequest, auditStream } from '../audit/audit-requests.ts'
import type { AuditLog } from '../audit/audit-log.ts'
import { clientAddressOf } from './client-address.ts'
import { loggedPath } from './logged-path.ts'
import type { Meters } from '../metrics/meters.ts'
import { principalOf } from '../auth/principal.ts'
import { requestIdOf } from './request-id.ts'
import type { Tracing } from '../tracing/tracing.ts'

interface Observers {
  readonly meters: Meters
  readonly log: Logger
  /** Whether each request is a line of the log at info; at debug otherwise. */
  readonly accessLog: boolean
  readonly audit: AuditLog | undefined
  readonly tracing: Tracing | undefined
}

/** What is told of every HTTP request: to the metrics, the log, the audit log and the tracer. */
export function createObserver({ meters, log, accessLog, audit, tracing }: Observers): RequestObserver {
  const level = accessLog ? 'info' : 'debug'
  return {
    refused: (limit) => meters.limits.refused(limit),
    began(incoming, answer) {
      meters.http.inFlight++
      if (tracing !== undefined) answer.span = tracing.request(incoming, answer)
    },
    streams(incoming, answer) {
      answer.isStream = true
      if (audit !== undefined) auditStream(audit, incoming, answer)
    },
    ended(incoming, answer) {
      meters.http.inFlight--
      const { status, durationMs, isStream } = answer
      const { id } = answer.operation
      meters.http.ended({ operation: id, status, durationMs, responseBytes: answer.bodyBytes, isStream })
      if (answer.code !== undefined) meters.limits.refused(answer.code)
      if (log.isLevelEnabled(level)) log[level](accessFields(incoming, answer), 'request')
      if (audit !== undefined) auditRequest(audit, incoming, answer)
    },
  }
}

/** One line of the log. A client that left before an answer began has the status that others give it, 499. */
function accessFields(incoming: IncomingMessage, answer: Answer): object {
  return {
    requestId: requestIdOf({ env: { outgoing: answer } }),
    principal: principalOf(incoming)?.name,
    ip: clientAddressOf(incoming),
    operation: answer.operation.id,
    method: incoming.method,
    path: loggedPath(incoming.url),
    status: answer.status || 499,
    code: answer.code,
    bytes: answer.bodyBytes,
    durationMs: Math.round(answer.durationMs * 10) / 10,
  }
}
