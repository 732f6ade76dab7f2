import { afterAll, beforeAll } from 'vitest'
import { startTemporaryCluster } from '../../dev/kafka/cluster.ts'

/** So that ACLs can be made, and everyone may do all as before: clients without credentials are ANONYMOUS. */
export const withAuthorizer: Readonly<Record<string, string>> = {
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'super.users': 'User:ANONYMOUS',
}

/**
 * Three brokers with an authorizer, for the tests of one file that administer a cluster. TEST_KAFKA_CLUSTER names another
 * to use. Call it where the file begins; `bootstrap` is there once tests run.
 */
export function useAdminCluster(): { readonly bootstrap: string } {
  const cluster = { bootstrap: process.env.TEST_KAFKA_CLUSTER ?? '' }
  if (cluster.bootstrap !== '') return cluster
  let stop = () => Promise.resolve()
  beforeAll(async () => {
    const started = await startTemporaryCluster(3, { configs: withAuthorizer })
    stop = () => started.stop()
    cluster.bootstrap = started.bootstrap
  })
  afterAll(() => stop())
  return cluster
}
