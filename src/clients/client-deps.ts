import type { Clients, Deps } from '../deps.ts'
import type { ClientPool } from './client-pool.ts'
import type { KafkaClient } from './kafka-client.ts'

/** What serves each client: what all have in common, and what asks Kafka in its name. */
export function clientDeps(pool: ClientPool, common: Omit<Deps, 'clients'>): Clients {
  const made = new WeakMap<KafkaClient, Deps>()
  return {
    serve(principal) {
      const client = pool.clientOf(principal)
      if (client === undefined) throw common.guard.unauthenticated()
      const release = client.hold()
      let deps = made.get(client)
      if (deps === undefined) {
        deps = { ...common, ...client.backend, clients: undefined, hold: () => client.hold() }
        made.set(client, deps)
      }
      return { deps, release }
    },
  }
}
