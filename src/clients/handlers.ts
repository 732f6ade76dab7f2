import type { Handler } from 'hono'
import { anonymous, principalOf } from '../auth/principal.ts'
import type { Clients, Deps } from '../deps.ts'
import type { App, AppContext, Env } from '../routes/route.ts'

/** Adds routes that belong together. */
export type Register = (app: App, deps: Deps) => void

type Handlers = ReadonlyMap<string, Handler<Env>>

/** By client and group of routes. */
const made = new WeakMap<Deps, Map<Register, Handlers>>()

/**
 * Finds what answers a route in the name of whoever asks: the handler that the route has for that client of Kafka's. It
 * keeps the client logged in until the answer is complete.
 */
export function inNameOf(clients: Clients, register: Register, route: string) {
  /** @throws Problem unauthenticated, too_many_kafka_clients */
  return (context: AppContext): Handler<Env> => {
    const { deps, release } = clients.serve(principalOf(context.env.incoming) ?? anonymous)
    return async (c, next) => {
      try {
        return await handlersOf(register, deps).get(route)!(c, next)
      } catch (error) {
        throw deps.guard.challenged(error)
      } finally {
        release()
      }
    }
  }
}

/**
 * The handlers of a group of routes for one client, made when it first asks for one of them: an app of its own for each
 * client would cost many times the memory, and its router what takes longer than the answer.
 */
function handlersOf(register: Register, deps: Deps): Handlers {
  let groups = made.get(deps)
  if (groups === undefined) made.set(deps, (groups = new Map()))
  let handlers = groups.get(register)
  if (handlers === undefined) groups.set(register, (handlers = collect(register, deps)))
  return handlers
}

function collect(register: Register, deps: Deps): Handlers {
  const handlers = new Map<string, Handler<Env>>()
  const routes = {
    guard: deps.guard,
    admission: deps.admission,
    isBehind: true,
    openAPIRegistry: { registerPath: () => {} },
    on: (method: string, path: string, handler: Handler<Env>) => handlers.set(`${method} ${path}`, handler),
  }
  register(routes as unknown as App, deps)
  return handlers
}
