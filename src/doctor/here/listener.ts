import { once } from 'node:events'
import { createServer } from 'node:net'
import { isLoopback } from '../../auth/auth-config.ts'
import type { Config } from '../../config/config.ts'
import { askListener, localOrigin } from '../../local-listener.ts'
import { ok, problem, skipped, type Verdict, type Verdicts, warning } from '../finding.ts'

/** What listens on a port may take so long to answer, ms: /readyz waits two seconds for Kafka. */
const ANSWER_MS = 3_000

export function exposureVerdicts({ host, auth, tls, allowedOrigins }: Config): Verdicts {
  const here = isLoopback(host)
  const verdicts: Verdict[] = []
  if (auth === undefined && !here) {
    verdicts.push(
      warning(
        'whoever reaches it may do everything: nobody has to show who they are',
        'Set SLUICE_API_KEYS_FILE and SLUICE_POLICY_FILE (docs/security.md), and take SLUICE_INSECURE away.',
        `${host} (SLUICE_INSECURE)`,
      ),
    )
  }
  if (auth !== undefined && !here && tls === undefined) {
    verdicts.push(
      warning(
        'keys and tokens come in unencrypted',
        'Set SLUICE_TLS_CERT_FILE and SLUICE_TLS_KEY_FILE, unless a proxy in front ends TLS and nobody else reaches the port.',
        host,
      ),
    )
  }
  if (allowedOrigins.includes('*') && auth === undefined) {
    verdicts.push(
      warning(
        'any web page may read records and open WebSockets',
        'Name the origins, such as https://app.example.',
        'SLUICE_ALLOWED_ORIGINS=*',
      ),
    )
  }
  if (verdicts.length > 0) return verdicts
  if (auth === undefined) return ok(`${host}: programs of this machine alone, which may do everything`)
  return ok(`${host}: whoever comes has to show who they are${tls === undefined ? '' : ', over TLS'}`)
}

/** Whether the port can be had, or a gateway has it already: then it is asked whether it is ready. */
export async function portVerdicts({ host, port, tls }: Config): Promise<Verdicts> {
  if (port === 0) return ok('any that is free')
  const subject = `${host}:${port}`
  const taken = await bindError(host, port)
  if (taken === undefined) return ok('free', subject)
  if (taken !== 'EADDRINUSE') return cannotListen(taken, subject, 'SLUICE_HOST', 'SLUICE_PORT')
  const base = localOrigin(host, port, tls !== undefined)
  const health = await ask(`${base}/healthz`)
  if (health === undefined && tls?.requireClientCert === true) {
    return skipped(
      'something listens there, which asks for a certificate before it answers',
      'Ask it with one: GET /readyz.',
      subject,
    )
  }
  if (!isStatus(health, 'ok')) {
    return problem('something else than a gateway listens there', 'Stop it, or set SLUICE_PORT.', subject)
  }
  const ready = await ask(`${base}/readyz`)
  if (isStatus(ready, 'ok')) return ok('a gateway listens there, and is ready', subject)
  const { code, detail } = (ready?.body ?? {}) as { code?: unknown; detail?: unknown }
  const why =
    ready === undefined
      ? 'it does not say why'
      : `${String(detail ?? ready.status)} (${String(code ?? ready.status)})`
  return problem(
    `a gateway listens there and is not ready: ${why}`,
    'What is wrong below, and its log, say why.',
    subject,
  )
}

export async function metricsPortVerdicts({ metrics: { port, host } }: Config): Promise<Verdicts> {
  if (port === undefined) return ok('metrics are not served (SLUICE_METRICS_PORT)')
  if (port === 0) return ok('any that is free')
  const subject = `${host}:${port}`
  const taken = await bindError(host, port)
  const open = isLoopback(host) ? '' : `; whoever reaches ${host} may read the names of topics and groups`
  if (taken === undefined) return ok(`free${open}`, subject)
  if (taken !== 'EADDRINUSE')
    return cannotListen(taken, subject, 'SLUICE_METRICS_HOST', 'SLUICE_METRICS_PORT')
  const answer = await ask(`${localOrigin(host, port, false)}/metrics`)
  if (answer?.status === 200 && answer.text.includes('sluice_'))
    return ok(`a gateway serves its metrics there${open}`, subject)
  return problem(
    'something else than a gateway listens there',
    'Stop it, or set SLUICE_METRICS_PORT.',
    subject,
  )
}

function cannotListen(code: string, subject: string, hostSetting: string, portSetting: string): Verdict {
  return code === 'EACCES'
    ? problem('this user may not listen on it', `Set ${portSetting} above 1023.`, subject)
    : problem('it is no address of this machine', `Set ${hostSetting}.`, subject)
}

/** Listens for a moment; why it can't, undefined where it can. */
async function bindError(host: string, port: number): Promise<string | undefined> {
  const server = createServer((socket) => socket.destroy())
  try {
    server.listen({ host, port, exclusive: true })
    await once(server, 'listening')
    return undefined
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown'
  } finally {
    server.close()
  }
}

interface Answer {
  readonly status: number
  readonly text: string
  /** Undefined where it is no JSON. */
  readonly body: unknown
}

/** Undefined where none comes. Files of certificates are looked at by checks of their own. */
async function ask(url: string): Promise<Answer | undefined> {
  try {
    const { status, text } = await askListener(url, { timeoutMs: ANSWER_MS, trustsAny: true })
    return { status, text, body: jsonIn(text) }
  } catch {
    return undefined
  }
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isStatus(answer: Answer | undefined, status: string): boolean {
  return answer?.status === 200 && (answer.body as { status?: unknown } | undefined)?.status === status
}
