import type { Config } from '../config.ts'
import { isAllowedOrigin } from '../allowed-origin.ts'
import type { AppContext } from './route.ts'

/**
 * Lets a web page read the answer (CORS, in the Fetch standard), where it comes from an origin that may. On the raw
 * response, so that a refusal is shown to it too.
 */
export function allowOrigin({ env }: AppContext, { allowedOrigins }: Pick<Config, 'allowedOrigins'>): void {
  const { origin, host } = env.incoming.headers
  // A cache must not give one page the answer to another.
  env.outgoing.setHeader('vary', 'origin')
  if (origin === undefined || !isAllowedOrigin(origin, host, allowedOrigins)) return
  env.outgoing.setHeader('access-control-allow-origin', origin)
  env.outgoing.setHeader('access-control-expose-headers', 'X-Request-Id')
}
