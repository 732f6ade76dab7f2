import type { Broker } from '../../dev/kafka/broker.ts'
import { startTemporaryCluster } from '../../dev/kafka/cluster.ts'
import { freePort } from '../../dev/kafka/free-port.ts'
import { KafkaProxy } from '../../dev/kafka/kafka-proxy.ts'
import { Balancer } from './balancer.ts'
import { GatewayProcess } from './gateways.ts'

/** What every run happens on. */
export interface Stage {
  /** Of the brokers themselves, past their proxies: for who brings faults about, and for the witness. */
  readonly bootstrap: string
  readonly brokers: readonly Broker[]
  /** The gateways and all other clients reach each broker through its proxy alone; brokers reach each other directly. */
  readonly proxies: readonly KafkaProxy[]
  readonly gateways: readonly GatewayProcess[]
  /** Gives each connection to the next gateway: all that clients know. */
  readonly balancer: Balancer
  /** Holds the gateways' logs, and the histories. */
  readonly folder: string
}

export interface StageOptions {
  readonly folder: string
  readonly random: () => number
  /** server.properties of the brokers. */
  readonly configs?: Readonly<Record<string, string>>
  /** The same, by node id. */
  readonly configsOf?: (nodeId: number) => Readonly<Record<string, string>>
  readonly gatewayEnv?: NodeJS.ProcessEnv
  /** The same of each, the first being 1. */
  readonly gatewayEnvOf?: (n: number, folder: string) => NodeJS.ProcessEnv
  /** More for the gateways' V8. */
  readonly gatewayFlags?: readonly string[]
  readonly gatewayWrapper?: readonly string[]
}

const BROKERS = 3
export const GATEWAYS = 2

/** Starts three brokers, each behind a proxy, and two gateways behind a balancer, for as long as `play` takes. */
export async function onStage<T>(options: StageOptions, play: (stage: Stage) => Promise<T>): Promise<T> {
  const undo: (() => Promise<void>)[] = []
  try {
    return await play(await build(options, undo))
  } finally {
    for (const step of undo.reverse()) await step()
  }
}

async function build(
  { folder, random, configs, ...options }: StageOptions,
  undo: (() => Promise<void>)[],
): Promise<Stage> {
  const proxies: KafkaProxy[] = []
  const ports: number[] = []
  const clientPorts: number[] = []
  for (let n = 0; n < BROKERS; n++) {
    const proxy = await KafkaProxy.start(random)
    undo.push(() => proxy.close())
    proxies.push(proxy)
    ports.push(await freePort())
    proxy.target = await freePort()
    clientPorts.push(proxy.target)
  }
  const kafka = await startTemporaryCluster(BROKERS, {
    ports,
    listeners: (nodeId) => [`CLIENT://127.0.0.1:${clientPorts[nodeId - 1]!}`],
    configs: (nodeId) => ({
      ...advertisedBy(ports[nodeId - 1]!, proxies[nodeId - 1]!.port),
      ...configs,
      ...options.configsOf?.(nodeId),
    }),
  })
  undo.push(() => kafka.stop())
  const gateways: GatewayProcess[] = []
  undo.push(async () => {
    await Promise.all(gateways.map((gateway) => gateway.end('SIGKILL')))
  })
  const KAFKA_BROKERS = proxies.map(({ port }) => `127.0.0.1:${port}`).join()
  for (let n = 1; n <= GATEWAYS; n++) {
    const gateway = await GatewayProcess.start({
      name: `gateway-${n}`,
      folder,
      env: { KAFKA_BROKERS, ...options.gatewayEnv, ...options.gatewayEnvOf?.(n, folder) },
      ...(options.gatewayFlags && { flags: options.gatewayFlags }),
      ...(options.gatewayWrapper && { wrapper: options.gatewayWrapper }),
    })
    gateways.push(gateway)
  }
  const balancer = await Balancer.start(gateways.map(({ port }) => port))
  undo.push(() => balancer.close())
  const { bootstrap, brokers } = kafka
  return { bootstrap, brokers, proxies, gateways, balancer, folder }
}

/** The brokers reach each other by their first listener; the address of the second is the proxy's. */
function advertisedBy(port: number, proxyPort: number): Record<string, string> {
  return {
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port},CLIENT://127.0.0.1:${proxyPort}`,
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,CLIENT:PLAINTEXT',
    'inter.broker.listener.name': 'PLAINTEXT',
  }
}
