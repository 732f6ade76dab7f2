import type { Logger } from 'pino'
import { createApp } from './app.ts'
import { openGuard } from './auth/open-guard.ts'
import type { Config } from './config.ts'
import { createHttpServer, drainHttpServer, type HttpTimeouts, listen } from './http-server.ts'
import { ListenerCertificates } from './listener-certificates.ts'
import { Cluster } from './kafka/cluster.ts'
import { createBatchSender, createExactlyOnceWriter } from './kafka/producers/exactly-once-writer.ts'
import { SecretStore } from './kafka/secret-store.ts'
import { ByteBudget } from './kafka/writer/byte-budget.ts'
import { TopicWriter } from './kafka/writer/topic-writer.ts'
import { Transactions } from './kafka/transactions/transactions.ts'
import { StreamSlots } from './streams/slots.ts'
import { TopicDefaults } from './topic-defaults.ts'
import { createWsServer } from './ws/server.ts'

/** A gateway that listens. */
export interface Gateway {
  /** Where it listens, such as http://127.0.0.1:8080. */
  readonly url: string
  /**
   * Stops in order, within SLUICE_SHUTDOWN_TIMEOUT_MS: not ready, no new connections, streams sent elsewhere with what
   * they have received committed, accepted requests answered, records written, transactions ended, Kafka let go of.
   */
  stop(): Promise<void>
}

/**
 * Puts the parts together and listens. Kafka need not be there yet: /readyz says whether it is.
 * @throws the listen error (EADDRINUSE, ...) where the port can't be had; ConfigError for a file that can't be used
 */
export async function startGateway(config: Config, log: Logger, timeouts?: HttpTimeouts): Promise<Gateway> {
  for (const warning of config.warnings) log.warn(warning)
  const shutdown = new AbortController()
  const draining = () => shutdown.signal.aborted
  const { limits, shutdownTimeoutMs } = config
  const cluster = new Cluster(config.kafka, log)
  const defaults = new TopicDefaults(config.produce.defaults, config.produce.topics)
  const writer = new TopicWriter(cluster, defaults, log)
  const transactions = new Transactions(
    cluster,
    {
      timeoutMs: limits.produceTimeoutMs,
      limit: limits.maxTransactions,
      codecOf: (topic) => defaults.of(topic).compression,
    },
    log,
  )
  const { timeoutMs } = defaults.general
  const sender = createBatchSender(cluster, timeoutMs)
  const secrets = new SecretStore(cluster, sender, config.secret, timeoutMs, log)
  const producers = createExactlyOnceWriter(cluster, sender, secrets, defaults, log)
  const budget = new ByteBudget(limits.produceBufferBytes, limits.produceBufferTopicBytes)
  const { guard, tickets, close: closeGuard } = openGuard(config, secrets, log)
  const deps = {
    config,
    log,
    guard,
    tickets,
    cluster,
    writer,
    transactions,
    producers,
    secrets,
    budget,
    slots: new StreamSlots(limits.maxStreams),
    draining,
    stopping: shutdown.signal,
  }
  const streams = createWsServer(deps)
  const certificates = config.tls && new ListenerCertificates(config.tls, log)
  const server = createHttpServer(createApp(deps).fetch, deps.config.limits, draining, timeouts, certificates)
  server.on('upgrade', streams.upgrade)
  const url = await listen(server, config.host, config.port, config.workers > 1)
  writer.start()
  log.info({ url, brokers: config.kafka.brokers }, 'listening')
  let stopping: Promise<void> | undefined

  async function stop(): Promise<void> {
    shutdown.abort()
    log.info('shutting down')
    await Promise.all([drainHttpServer(server, shutdownTimeoutMs), streams.drain(shutdownTimeoutMs)])
    writer.close()
    await transactions.close()
    closeGuard()
    certificates?.close()
    await cluster.close()
    log.info('stopped')
  }
  return { url, stop: () => (stopping ??= stop()) }
}
