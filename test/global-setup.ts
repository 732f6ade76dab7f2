import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestProject } from 'vitest/node'
import { withAuthorizer } from './support/authorizer.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    brokers: string
    /** URL that answers with the bootstrap of a cluster, `host:port,...`. */
    adminCluster: string
  }
}

/**
 * One real Kafka for the whole run, on a free port and in a temporary directory; TEST_KAFKA_BROKERS names another to use.
 * And one cluster of three brokers for all files that administer one, started when the first of them asks.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const stops = [await serveAdminCluster(project)]
  const given = process.env.TEST_KAFKA_BROKERS
  if (given !== undefined) project.provide('brokers', given)
  else {
    const { ensureSharedClasses } = await import('../dev/kafka/share-classes.ts')
    const { startTemporaryBroker } = await import('../dev/kafka/temporary-broker.ts')
    await ensureSharedClasses()
    const broker = await startTemporaryBroker()
    project.provide('brokers', broker.bootstrap)
    stops.push(() => broker.stop())
  }
  return async () => {
    await Promise.all(stops.map((stop) => stop()))
  }
}

/** Test files run in processes of their own: they ask for the cluster over HTTP. */
async function serveAdminCluster(project: TestProject): Promise<() => Promise<void>> {
  let cluster: Promise<{ readonly bootstrap: string; stop(): Promise<void> }> | undefined
  const server = createServer((_, response) => {
    cluster ??= start()
    cluster.then(
      ({ bootstrap }) => response.end(bootstrap),
      (error: unknown) => response.writeHead(500).end(String(error)),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  project.provide('adminCluster', `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  return async () => {
    server.closeAllConnections()
    server.close()
    await cluster?.then((started) => started.stop())
  }
}

async function start() {
  const { startTemporaryCluster } = await import('../dev/kafka/cluster.ts')
  return startTemporaryCluster(3, { configs: withAuthorizer })
}
