/** What one combined broker and controller (KRaft) is told. */
export interface ServerSettings {
  readonly nodeId: number
  readonly dataDir: string
  readonly port: number
  readonly controllerPort: number
  /** `id@host:port` of every controller. */
  readonly voters: string
  /** Copies of Kafka's own topics: as many as there are brokers, three at most. */
  readonly replication: number
  /** Further listeners, `NAME://host:port`; `listener.security.protocol.map` in `configs` says what they speak. */
  readonly listeners?: readonly string[]
  readonly configs?: Readonly<Record<string, string>>
}

/** The settings that differ from Kafka's defaults so that one to three brokers on one machine serve at once. */
export function commonConfigs(replication: number): Record<string, string> {
  return {
    'auto.create.topics.enable': 'false',
    'offsets.topic.replication.factor': String(replication),
    'offsets.topic.num.partitions': '3',
    'transaction.state.log.replication.factor': String(replication),
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': '3',
    'share.coordinator.state.topic.replication.factor': String(replication),
    'share.coordinator.state.topic.min.isr': '1',
    'share.coordinator.state.topic.num.partitions': '3',
    // A group of one waits three seconds for others by default.
    'group.initial.rebalance.delay.ms': '0',
    // After a crash a broker comes back no sooner than this: until then the controller holds the old one for alive.
    'broker.session.timeout.ms': replication > 1 ? '6000' : '3000',
    'broker.heartbeat.interval.ms': replication > 1 ? '2000' : '500',
  }
}

/** The text of server.properties. */
export function serverProperties(settings: ServerSettings): string {
  const { nodeId, dataDir, port, controllerPort, voters, replication, listeners = [], configs } = settings
  const advertised = [`PLAINTEXT://127.0.0.1:${port}`, ...listeners]
  const properties: Record<string, string> = {
    'process.roles': 'broker,controller',
    'node.id': String(nodeId),
    'controller.quorum.voters': voters,
    listeners: [...advertised, `CONTROLLER://127.0.0.1:${controllerPort}`].join(','),
    'advertised.listeners': advertised.join(','),
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': dataDir,
    ...commonConfigs(replication),
    ...configs,
  }
  // A properties file takes a backslash for an escape.
  const lines = Object.entries(properties).map(([name, value]) => `${name}=${value.replaceAll('\\', '\\\\')}`)
  return `${lines.join('\n')}\n`
}
