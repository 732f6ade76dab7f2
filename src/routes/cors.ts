import type { Config } from '../config/config.ts'
import { hostOf } from '../auth/guard.ts'
import { isAllowedOrigin } from '../http/allowed-origin.ts'
import { Problem } from '../problems/problem.ts'
import type { App, AppContext } from './route.ts'

/** What a page may read of the headers. */
const EXPOSED = 'X-Request-Id, Retry-After, RateLimit, RateLimit-Policy'

/**
 * Lets a web page read the answer (CORS, in the Fetch standard), where it comes from an origin that may. On the raw
 * response, so that a refusal is shown to it too.
 */
export function allowOrigin({ env }: AppContext, { allowedOrigins }: Pick<Config, 'allowedOrigins'>): void {
  const { origin } = env.incoming.headers
  // A cache must not give one page the answer to another.
  env.outgoing.setHeader('vary', 'origin')
  if (origin === undefined || !isAllowedOrigin(origin, hostOf(env.incoming), allowedOrigins)) return
  env.outgoing.setHeader('access-control-allow-origin', origin)
  env.outgoing.setHeader('access-control-expose-headers', EXPOSED)
}

/** How long a browser may remember what it was allowed, seconds. */
const MAX_AGE = 600

/**
 * Lets pages of the origins that may use every route, where callers show who they are: then a page can do no more than
 * whoever gave it a key. Where nobody has to, only reads are shown to pages.
 */
export function allowOrigins(app: App, { config }: { readonly config: Config }): void {
  if (!app.guard.enabled) return
  app.use('/v1/*', async (c, next) => {
    allowOrigin(c, config)
    if (c.req.method !== 'OPTIONS') return next()
    const { origin, 'access-control-request-method': method } = c.env.incoming.headers
    if (origin === undefined || method === undefined) return next()
    if (!isAllowedOrigin(origin, hostOf(c.env.incoming), config.allowedOrigins))
      throw new Problem('origin_not_allowed')
    const headers = c.req.header('access-control-request-headers') ?? ''
    return c.body(null, 204, {
      'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE',
      ...(/^[\w, -]*$/.test(headers) && headers !== '' ? { 'access-control-allow-headers': headers } : {}),
      'access-control-max-age': String(MAX_AGE),
    })
  })
}
