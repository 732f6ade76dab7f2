import type { Logger } from 'pino'
import { createApp } from './app.ts'
import { openGuard } from './auth/open-guard.ts'
import { AuditLog } from './audit/audit-log.ts'
import { closeBackend, createBackend } from './backend.ts'
import { clientDeps } from './clients/client-deps.ts'
import { openClientPool } from './clients/open-client-pool.ts'
import type { Config } from './config/config.ts'
import type { Deps } from './deps.ts'
import { boundConnections, trustProxies } from './http/client-address.ts'
import { Connections } from './http/connections.ts'
import { createHttpServer, type HttpTimeouts, listen } from './http/server.ts'
import { ListenerCertificates } from './http/listener-certificates.ts'
import { Cluster } from './kafka/cluster.ts'
import { KafkaMeter } from './kafka/meter.ts'
import { Admission } from './limits/admission.ts'
import { CONNECTIONS_PER_ADDRESS } from './limits/limit-counts.ts'
import { ByteBudget } from './kafka/writer/byte-budget.ts'
import { Meters } from './metrics/meters.ts'
import type { Sources } from './metrics/readings.ts'
import type { MetricsServer } from './metrics/server.ts'
import { createObserver } from './http/request-observer.ts'
import { StreamSlots } from './streams/slots.ts'
import { summaryOf } from './config/watched-file.ts'
import type { Tracing } from './tracing/tracing.ts'
import { version } from './version.ts'
import { createWsServer } from './ws/server.ts'

/** A gateway that listens. */
export interface Gateway {
  /** Where it listens, such as http://127.0.0.1:8080. */
  readonly url: string
  /** Where its metrics are, such as http://127.0.0.1:9464; undefined where they are not served. */
  readonly metricsUrl: string | undefined
  /**
   * Stops in order: not ready at once; `delayMs` later no new connections, and within SLUICE_SHUTDOWN_TIMEOUT_MS streams
   * sent elsewhere with what they have received committed, requests answered, records written, transactions ended, Kafka
   * let go of. Called again, it is the same stop.
   */
  stop(options?: { readonly delayMs?: number }): Promise<void>
  /** Does what SIGHUP asks for: looks at every file anew, and goes on in new ones where the old ones were moved away. */
  reload(): void
  /** What a process has to do that ends before stop() has: end what it has started. */
  abandon(): void
}

/**
 * Puts the parts together and listens. Kafka need not be there yet: /readyz says whether it is.
 * @throws the listen error (EADDRINUSE, ...) where the port can't be had; ConfigError for a file that can't be used
 */
export async function startGateway(config: Config, log: Logger, timeouts?: HttpTimeouts): Promise<Gateway> {
  for (const warning of config.warnings) log.warn(warning)
  const shutdown = new AbortController()
  let draining = false
  const { limits, shutdownTimeoutMs } = config
  const audit = config.auditLog === undefined ? undefined : AuditLog.open(config.auditLog, log)
  const tracing = await tracingOf(config, log)
  const meters = new Meters(config.metrics.topics)
  const meter = new KafkaMeter(config.metrics)
  const own = createBackend(new Cluster(config.kafka, { log, meter }), config, log)
  const pool =
    config.kafka.clients && openClientPool(config.kafka.clients, config, { log, meter }, () => guard.sweep())
  const budget = new ByteBudget(limits.produceBufferBytes, limits.produceBufferTopicBytes)
  const { guard, tickets, reload: reloadGuard, close: closeGuard } = openGuard(config, own.secrets, log, pool)
  const admission = new Admission(guard, limits, meters.limits)
  const common = {
    ...own,
    config,
    log,
    guard,
    tickets,
    hold: () => () => {},
    budget,
    admission,
    slots: new StreamSlots(limits.maxStreams),
    meters,
    audit,
    tracing,
    observer: createObserver({ meters, log, accessLog: config.accessLog, audit, tracing }),
    draining: () => draining,
    stopping: shutdown.signal,
  }
  const deps: Deps = { ...common, clients: pool && clientDeps(pool, common) }
  const streams = createWsServer(deps)
  const certificates = config.tls && new ListenerCertificates(config.tls, log, () => guard.sweep())
  const { fetch } = createApp(deps)
  const server = createHttpServer(
    fetch as FetchCallback,
    limits,
    deps.observer,
    timeouts,
    certificates,
    config.allowedHosts,
  )
  trustProxies(server, config.trustedProxies)
  boundConnections(server, limits.maxConnectionsPerAddress, config.trustedProxies, () =>
    meters.limits.refused(CONNECTIONS_PER_ADDRESS),
  )
  server.on('upgrade', streams.upgrade)
  const connections = new Connections(server)
  const metricsServer = await metricsOf(config, log, {
    meters,
    kafka: meter,
    budget,
    bufferBytes: limits.produceBufferBytes,
    slots: deps.slots,
    admission,
    audit,
    version,
    draining: deps.draining,
    connections: () =>
      new Promise((resolve) => server.getConnections((_, count: number | undefined) => resolve(count ?? 0))),
  })
  let url: string
  try {
    url = await listen(server, config.host, config.port, config.workers > 1)
  } catch (error) {
    await metricsServer?.close()
    throw error
  }
  // Where Kafka is asked as the clients, the gateway itself is nobody there.
  if (pool === undefined) own.writer.start()
  admission.start()
  const metricsUrl = metricsServer?.url
  log.info({ url, metricsUrl, brokers: config.kafka.brokers }, 'listening')
  let stopping: Promise<void> | undefined

  async function stop(delayMs: number): Promise<void> {
    draining = true
    log.info({ delayMs, timeoutMs: shutdownTimeoutMs }, 'shutting down')
    if (delayMs > 0) await connections.sendAway(delayMs)
    // Streams are told after that: whoever comes back at once must not come back here.
    await connections.refuse()
    shutdown.abort()
    await Promise.all([connections.drain(shutdownTimeoutMs), streams.drain(shutdownTimeoutMs)])
    admission.stop()
    closeGuard()
    certificates?.close()
    await Promise.all([closeBackend(own), pool?.close()])
    await Promise.all([audit?.close(), tracing?.close(), metricsServer?.close()])
    log.info('stopped')
  }

  function reload(): void {
    audit?.reopen()
    log.info(summaryOf([...reloadGuard(), ...(certificates?.reload() ?? [])]), 'looked at every file again')
  }

  return {
    url,
    metricsUrl,
    stop: ({ delayMs = 0 } = {}) => (stopping ??= stop(delayMs)),
    reload,
    abandon: () => {},
  }
}

type FetchCallback = Parameters<typeof createHttpServer>[0]

/** The tracer, loaded where one is asked for. */
async function tracingOf({ otel }: Config, log: Logger): Promise<Tracing | undefined> {
  if (otel === undefined) return undefined
  const { startTracing } = await import('./tracing/otel.ts')
  return startTracing(otel, version, log)
}

/** What serves the metrics, loaded where there is a port for it. */
async function metricsOf(
  { metrics: { port, host } }: Config,
  log: Logger,
  sources: Sources,
): Promise<MetricsServer | undefined> {
  if (port === undefined) return undefined
  const [{ createRegistry }, { readingsOf }, { serveMetrics }] = await Promise.all([
    import('./metrics/registry.ts'),
    import('./metrics/readings.ts'),
    import('./metrics/server.ts'),
  ])
  return serveMetrics(createRegistry(readingsOf(sources)), { host, port }, log)
}
