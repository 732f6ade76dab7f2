import { portVariable } from '../../config/config.ts'
import { settings } from '../../config/settings.ts'
import { askListener, localOrigin } from '../../local-listener.ts'
import type { Context } from '../context.ts'
import { CommandError, exitCodes, type ProblemDocument, problemText, UsageError } from '../errors.ts'

/** The paths that say how a gateway is. */
export type Probe = 'healthz' | 'readyz' | 'startupz'

/** Longest wait for the answer, ms: longer than /readyz gives Kafka, shorter than a HEALTHCHECK of 3 s. */
const ANSWER_MS = 2_500

/** TLS 1.3: who asks has to show a certificate (SLUICE_TLS_CLIENT_AUTH=required). */
const WANTS_CERTIFICATE = 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'

/**
 * Asks a gateway how it is. It fails with exit code 1 alone: Docker reserves others.
 * @param url of the gateway; undefined for the one that runs here, with the settings of this environment
 * @throws CommandError where it is not so, or does not answer
 */
export async function checkHealth(context: Context, probe: Probe, url: string | undefined): Promise<void> {
  const isLocal = url === undefined
  const asked = new URL(probe, isLocal ? localUrl(process.env) : baseOf(url))
  try {
    const { status, text } = await askListener(asked, {
      timeoutMs: ANSWER_MS,
      // Its certificate is for the name that others know it by, and it is asked by the name that is always allowed.
      trustsAny: isLocal,
      ...(isLocal && { headers: { host: 'localhost' } }),
    })
    if (status !== 200) throw new CommandError(exitCodes.failed, said(asked, status, text))
  } catch (error) {
    if (error instanceof CommandError) throw error
    const { code, message } = error as NodeJS.ErrnoException
    // Whoever does the handshake is alive; more is said to those alone who have a certificate.
    if (probe !== 'healthz' || !isLocal || code !== WANTS_CERTIFICATE)
      throw new CommandError(exitCodes.failed, `${asked.href} does not answer (${code ?? message})`)
  }
  await context.print({ status: 'ok' }, () => (context.quiet ? '' : 'ok\n'))
}

/** Where the gateway listens, of the settings these alone: files that others name may be missing for a moment. */
function localUrl(env: NodeJS.ProcessEnv): string {
  const read = (name: 'SLUICE_HOST' | 'SLUICE_PORT' | 'PORT') => {
    const result = settings[name].safeParse(env[name] || undefined)
    if (result.success) return result.data
    const [issue] = result.error.issues
    throw new CommandError(exitCodes.failed, `${name}: expected ${issue?.message}`)
  }
  const port = read(portVariable(env))
  if (port === 0) throw new CommandError(exitCodes.failed, 'SLUICE_PORT=0 does not say where the gateway is')
  return localOrigin(String(read('SLUICE_HOST')), Number(port), Boolean(env.SLUICE_TLS_CERT_FILE))
}

function baseOf(url: string): string {
  if (URL.canParse(url) && /^https?:/.test(url)) return url.endsWith('/') ? url : `${url}/`
  throw new UsageError(`${url} is no URL of a gateway`, 'Give --url as http://host:port.')
}

/** What a problem says, where it is one. */
function said(url: URL, status: number, text: string): string {
  try {
    const problem = JSON.parse(text) as ProblemDocument
    if (problem.code !== undefined) return problemText(problem)
  } catch {
    // Somebody else listens there.
  }
  return `${url.href} answers ${status}`
}
