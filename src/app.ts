import { OpenAPIHono } from '@hono/zod-openapi'
import { inNameOf, type Register } from './clients/handlers.ts'
import type { Deps } from './deps.ts'
import { loggedPath } from './http/logged-path.ts'
import { Problem } from './problems/problem.ts'
import { requestIdOf } from './http/request-id.ts'
import { allowOrigins } from './routes/cors.ts'
import type { App, AppContext, Env } from './routes/route.ts'
import { registerCluster } from './routes/cluster/index.ts'
import { registerAcls } from './routes/acls/index.ts'
import { registerGroups } from './routes/groups/index.ts'
import { registerElections } from './routes/elections/index.ts'
import { registerReassignments } from './routes/reassignments/index.ts'
import { registerLimits } from './routes/limits/index.ts'
import { registerProducers } from './routes/producers/index.ts'
import { registerQuotas } from './routes/quotas/index.ts'
import { registerRecords } from './routes/records/index.ts'
import { registerConnectStream } from './routes/streams/connect-stream.ts'
import { registerSystem } from './routes/system/index.ts'
import { registerTickets } from './routes/tickets/index.ts'
import { registerTopics } from './routes/topics/index.ts'
import { registerTransactionalIds } from './routes/transactional-ids/index.ts'
import { registerTransactions } from './routes/transactions/index.ts'
import { registerUsers } from './routes/users/index.ts'

/** What the gateway serves of Kafka. */
const groups: readonly Register[] = [
  registerRecords,
  registerProducers,
  registerTopics,
  registerTransactions,
  registerTickets,
  registerTransactionalIds,
  registerCluster,
  registerReassignments,
  registerElections,
  registerAcls,
  registerQuotas,
  registerUsers,
  registerGroups,
]

/** The whole URL map. Reads no environment and opens no socket. */
export function createApp(deps: Deps): App {
  const app: App = Object.assign(new OpenAPIHono<Env>({ strict: true }), {
    guard: deps.guard,
    admission: deps.admission,
  })
  app.onError((error, c) => problemResponse(c, error, deps))
  app.notFound((c) => problemResponse(c, unroutable(app, c), deps))
  allowOrigins(app, deps)
  registerSystem(app, deps)
  const { clients } = deps
  registerLimits(app, deps)
  for (const register of groups) {
    app.inNameOf = clients && ((route) => inNameOf(clients, register, route))
    register(app, deps)
  }
  registerConnectStream(app)
  return app
}

/** 405 with Allow where the path exists under other methods, else 404. */
function unroutable(app: App, c: AppContext): Problem {
  const methods = new Set<string>()
  for (const route of app.routes) {
    const pattern = new RegExp(`^${route.path.replaceAll('.', '\\.').replaceAll(/:\w+/g, '[^/]+')}$`)
    if (route.path !== '/*' && pattern.test(c.req.path)) methods.add(route.method)
  }
  if (methods.size === 0)
    return new Problem('no_such_route', { detail: `There is no ${loggedPath(c.req.path)} here.` })
  if (methods.has('GET')) methods.add('HEAD')
  const allow = [...methods].sort().join(', ')
  return new Problem('method_not_allowed', { detail: `This route takes ${allow}.`, headers: { allow } })
}

/** Answers an error. One that isn't a Problem is a bug of ours: its text goes to the log alone. */
export function problemResponse(c: AppContext, error: unknown, deps: Pick<Deps, 'log'>): Response {
  const problem = error instanceof Problem ? error : new Problem('internal_error', { cause: error })
  const requestId = requestIdOf(c)
  const { outgoing } = c.env
  outgoing.code = problem.code
  outgoing.outcome ??= problem.options.outcome
  const fields = {
    requestId,
    method: c.req.method,
    path: loggedPath(c.req.path),
    code: problem.code,
    cause: problem.cause,
  }
  if (problem.status >= 500) deps.log.warn(fields, problem.message)
  else deps.log.debug(fields, problem.message)
  const { retryAfter = problem.row.retryable ? 1 : undefined, headers } = problem.options
  for (const [name, value] of Object.entries(headers ?? {})) c.header(name, value)
  if (retryAfter !== undefined) c.header('retry-after', String(retryAfter))
  return c.body(JSON.stringify(problem.toDocument(requestId)), problem.status as 400, {
    'content-type': 'application/problem+json',
  })
}
