import type { Logger } from 'pino'
import { createBackend } from '../backend.ts'
import type { ClientLogins } from '../config/client-logins.ts'
import type { Config } from '../config/config.ts'
import { Cluster } from '../kafka/cluster.ts'
import type { KafkaMeter } from '../kafka/meter.ts'
import { ClientPool } from './client-pool.ts'

/** The pool of the clients that log in as `logins` has it. `refused` is told that the credentials of one count no more. */
export function openClientPool(
  logins: ClientLogins,
  config: Config,
  { log, meter }: { readonly log: Logger; readonly meter: KafkaMeter },
  refused: () => void,
): ClientPool {
  return new ClientPool(
    logins,
    async (sasl, clientRefused) => {
      // No log: what is wrong with a client's credentials is told to the client, not to the operator once a login.
      const cluster = new Cluster({ ...config.kafka, sasl }, { meter, clientRefused })
      try {
        await cluster.ping()
      } catch (error) {
        await cluster.close()
        throw error
      }
      return createBackend(cluster, config, log)
    },
    refused,
    log,
  )
}
