import type { Config } from '../../config/config.ts'
import { ok, type Verdict, warning } from '../finding.ts'
import { askService, reasonOf, shownUrl } from './http-service.ts'

const FIX =
  'Correct OTEL_EXPORTER_OTLP_ENDPOINT, or start the collector; until then spans are dropped, and nothing else.'
/** An export without a span, which every collector takes (OTLP 1.x, "empty telemetry data"). */
const NOTHING = JSON.stringify({ resourceSpans: [] })

/** Whether spans can be exported. The headers that are configured for it are secrets, and are not sent. */
export async function tracesVerdict({ otel }: Config): Promise<Verdict> {
  if (otel === undefined) return ok('none are exported (OTEL_EXPORTER_OTLP_ENDPOINT)')
  const url = tracesUrl(otel)
  if (url === undefined) return warning('it is no URL', FIX, 'OTEL_EXPORTER_OTLP_ENDPOINT')
  const subject = shownUrl(url)
  try {
    const { status } = await askService(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: NOTHING,
    })
    if (status < 300) return ok('takes spans', subject)
    if (status === 401 || status === 403)
      return ok(`answers, and asks who exports (${status}): OTEL_EXPORTER_OTLP_HEADERS`, subject)
    return warning(`answers ${status} to an export`, FIX, subject)
  } catch (error) {
    return warning(`does not answer (${reasonOf(error)})`, FIX, subject)
  }
}

/** As OpenTelemetry's specification has it: the one for traces as it stands, or a path below the general one. */
function tracesUrl(otel: Readonly<Record<string, string | undefined>>): string | undefined {
  const general = otel.OTEL_EXPORTER_OTLP_ENDPOINT
  const url =
    otel.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || (general && `${general.replace(/\/$/, '')}/v1/traces`)
  return url && URL.canParse(url) ? url : undefined
}
