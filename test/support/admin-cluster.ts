import { afterAll, beforeAll, inject } from 'vitest'
import { startTemporaryCluster } from '../../dev/kafka/cluster.ts'
import { withAuthorizer } from './authorizer.ts'

/**
 * Three brokers with an authorizer, which the files that administer a cluster share: what a test makes has a name of its
 * own, and what it changes of the cluster it puts back. TEST_KAFKA_CLUSTER names another to use. Call it where the file
 * begins; `bootstrap` is there once tests run.
 */
export function useAdminCluster(): { readonly bootstrap: string } {
  const cluster = { bootstrap: process.env.TEST_KAFKA_CLUSTER ?? '' }
  if (cluster.bootstrap !== '') return cluster
  beforeAll(async () => {
    const response = await fetch(inject('adminCluster'))
    const text = await response.text()
    if (!response.ok) throw new Error(text)
    cluster.bootstrap = text
  })
  return cluster
}

/** The same of a file's own, for changes that others would notice: configs of brokers, what is being copied. */
export function useOwnAdminCluster(): { readonly bootstrap: string } {
  const cluster = { bootstrap: '' }
  let stop = () => Promise.resolve()
  beforeAll(async () => {
    const started = await startTemporaryCluster(3, { configs: withAuthorizer })
    stop = () => started.stop()
    cluster.bootstrap = started.bootstrap
  })
  afterAll(() => stop())
  return cluster
}
