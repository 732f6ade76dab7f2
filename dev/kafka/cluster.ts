import { join } from 'node:path'
import { type Broker, type ClusterMember, launchBroker } from './broker.ts'
import { newClusterId } from './format.ts'
import { freePort } from './free-port.ts'
import { ensureJars } from './jars.ts'
import { waitReady } from './readiness.ts'
import { temporaryFolder } from './temporary-broker.ts'

const READY_MS = 120_000

/** Brokers that are one Kafka. */
export interface TemporaryCluster {
  /** Every broker's `host:port`, separated by commas. */
  readonly bootstrap: string
  /** By node id: the first is node 1. */
  readonly brokers: readonly Broker[]
  stop(): Promise<void>
}

export interface ClusterOptions {
  /** server.properties to add or replace, for all or by node id. */
  readonly configs?: Readonly<Record<string, string>> | ((nodeId: number) => Readonly<Record<string, string>>)
  /** Of their clients, the first that of node 1; free ones by default. */
  readonly ports?: readonly number[]
  /** Further listeners by node id, `NAME://host:port`. */
  readonly listeners?: (nodeId: number) => readonly string[]
}

/**
 * A cluster of `n` combined brokers and controllers on free ports with nothing in it. A broker that dies is noticed
 * after 6 s. `stop()` kills them and removes their data; so does the end of our process.
 * @throws KafkaStartError
 */
export async function startTemporaryCluster(
  n: number,
  options: ClusterOptions = {},
): Promise<TemporaryCluster> {
  const libs = await ensureJars()
  const folder = temporaryFolder()
  const nodes: { nodeId: number; controllerPort: number }[] = []
  for (let nodeId = 1; nodeId <= n; nodeId++) nodes.push({ nodeId, controllerPort: await freePort() })
  const voters = nodes.map((node) => `${node.nodeId}@127.0.0.1:${node.controllerPort}`).join(',')
  const clusterId = newClusterId()
  const { configs, ports = [], listeners } = options
  const launches = nodes.map((node) => {
    const member: ClusterMember = { ...node, voters, clusterId, replication: Math.min(n, 3) }
    const own = typeof configs === 'function' ? configs(node.nodeId) : configs
    return launchBroker({
      dir: join(folder.dir, `broker-${node.nodeId}`),
      ...{ libs, member, isTemporary: true },
      port: ports[node.nodeId - 1] ?? 0,
      ...(listeners && { listeners: listeners(node.nodeId) }),
      configs: own,
    })
  })
  const settled = await Promise.allSettled(launches)
  const launched = settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  const stop = async () => {
    await Promise.all(launched.map(({ broker }) => broker.kill9()))
    folder.remove()
  }
  try {
    for (const result of settled) if (result.status === 'rejected') throw result.reason
    await Promise.all(
      launched.map(({ broker, process }) =>
        waitReady(process, { bootstrap: broker.bootstrap, timeoutMs: READY_MS, brokers: n }),
      ),
    )
  } catch (error) {
    await stop()
    throw error
  }
  const brokers = launched.map(({ broker }) => broker)
  return { bootstrap: brokers.map((broker) => broker.bootstrap).join(','), brokers, stop }
}
