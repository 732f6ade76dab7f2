import type { IncomingMessage } from 'node:http'
import type { Answer, Operation } from '../http/answer.ts'
import { clientAddressOf } from '../http/client-address.ts'
import { principalOf } from '../auth/principal.ts'
import { requestIdOf } from '../http/request-id.ts'
import type { ProblemCode } from '../problems/problems.ts'
import type { AuditEntry, AuditLog } from './audit-log.ts'

/** What somebody is told who has used up what it may. */
const LIMITED: ReadonlySet<string> = new Set<ProblemCode>(['rate_limited', 'too_many_streams_of_caller'])
/** What somebody is told who was not let in, or not let do what was asked. */
const DENIED: ReadonlySet<string> = new Set<ProblemCode>([
  'credential_in_url',
  'unauthenticated',
  'invalid_credentials',
  'credentials_expired',
  'too_many_failed_logins',
  'auth_unavailable',
  'forbidden',
  'internal_topic',
  'kafka_authorization',
  'origin_not_allowed',
  'host_not_allowed',
])
const CLIENT_GONE = 499

/** Audits a request that is over, where it is one to be audited: it wrote, changed something, was denied, or was a stream. */
export function auditRequest(audit: AuditLog, incoming: IncomingMessage, answer: Answer): void {
  const { operation, isStream, status } = answer
  const denial = denialOf(answer.code)
  if (operation.kind === 'other' && !isStream && denial === undefined) return
  const isProduce = operation.kind === 'produce'
  audit.write({
    ...who(incoming, answer),
    status: status || CLIENT_GONE,
    outcome: isStream && !isProduce ? 'closed' : outcomeOf(answer, denial),
    code: answer.code,
    bytes: isProduce ? receivedBytes(incoming, answer) : answer.bodyBytes,
    records: answer.records,
    durationMs: Math.round(answer.durationMs),
  })
}

/** What a problem says of whoever was not let in, not let do what was asked, or had used up what it may. */
export function denialOf(code: string | undefined): 'denied' | 'limited' | undefined {
  if (code === undefined) return undefined
  if (LIMITED.has(code)) return 'limited'
  return DENIED.has(code) ? 'denied' : undefined
}

/** Audits a stream of records that begins. */
export function auditStream(audit: AuditLog, incoming: IncomingMessage, answer: Answer): void {
  if (answer.operation.kind === 'produce') return
  audit.write({ ...who(incoming, answer), status: answer.status, outcome: 'opened' })
}

function who(incoming: IncomingMessage, answer: Answer): Omit<AuditEntry, 'outcome' | 'status'> {
  return {
    requestId: requestIdOf({ env: { outgoing: answer } }),
    principal: principalOf(incoming)?.name,
    ip: clientAddressOf(incoming),
    method: incoming.method,
    operation: answer.operation.id,
    resource: answer.resource ?? resourceOf(answer.operation, incoming.url),
  }
}

function outcomeOf({ outcome, status, operation }: Answer, denial: string | undefined): string {
  if (denial !== undefined) return denial
  if (outcome !== undefined && status < 400) return outcome
  if (status === 0) return 'gone'
  if (operation.kind === 'produce' && outcome !== undefined) return outcome
  if (status === 207) return 'mixed'
  if (status >= 500) return 'failed'
  if (status >= 400) return 'refused'
  return operation.kind === 'produce' ? 'written' : 'done'
}

function receivedBytes({ headers }: IncomingMessage, { receivedBytes }: Answer): number | undefined {
  if (receivedBytes !== undefined) return receivedBytes
  const declared = headers['content-length']
  return declared === undefined ? undefined : Number(declared)
}

/** What a request is about by the first parameter of its path: `topic:orders` of `/v1/topics/{topic}/records`. */
export function resourceOf({ template, kind }: Operation, target = ''): string | undefined {
  const place = template.split('/').findIndex((part) => part.startsWith('{'))
  if (place < 0) return kind === 'admin' ? 'cluster' : undefined
  const name = template.split('/')[place]!.slice(1, -1)
  const value = target.split('?', 1)[0]!.split('/')[place] ?? ''
  try {
    return `${name}:${decodeURIComponent(value)}`
  } catch {
    return `${name}:${value}`
  }
}
