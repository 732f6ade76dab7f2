import { createServer, type Server } from 'node:http'
import type { Socket } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { type Logger, pino } from 'pino'
import { createApp } from './app.ts'
import { type Config, ConfigError, loadConfig } from './config.ts'
import { Cluster } from './kafka/cluster.ts'
import { ByteBudget } from './kafka/writer/byte-budget.ts'
import { RecordWriter } from './kafka/writer/record-writer.ts'
import { Problem, type ProblemCode } from './problem.ts'
import { assignRequestId } from './request-id.ts'
import { createWsServer } from './ws/server.ts'

/** A gateway that listens. */
export interface Gateway {
  /** Where it listens, such as http://127.0.0.1:8080. */
  readonly url: string
  /** Stops in order, within SLUICE_SHUTDOWN_TIMEOUT_MS: no new work, finish what was accepted, close Kafka. */
  stop(): Promise<void>
}

/**
 * Connects and listens.
 * @throws the listen error (EADDRINUSE, ...) where the port can't be had
 */
export async function startGateway(config: Config, log: Logger): Promise<Gateway> {
  for (const warning of config.warnings) log.warn(warning)
  let draining = false
  const cluster = new Cluster(config.kafka)
  const { produceTimeoutMs, produceBufferBytes, produceBufferTopicBytes } = config.limits
  const writer = new RecordWriter(cluster, { timeoutMs: produceTimeoutMs }, log)
  const budget = new ByteBudget(produceBufferBytes, produceBufferTopicBytes)
  const deps = { config, log, cluster, writer, budget, draining: () => draining }
  const app = createApp(deps)
  const streams = createWsServer(deps)
  writer.start()
  const server = createServer({ headersTimeout: 10_000, requestTimeout: 30_000, keepAliveTimeout: 65_000 })
  server.maxConnections = config.limits.maxConnections
  const listener = getRequestListener(app.fetch)
  server.on('request', (incoming, outgoing) => {
    assignRequestId(incoming, outgoing)
    void listener(incoming, outgoing)
  })
  server.on('upgrade', streams.upgrade)
  server.on('clientError', answerClientError)
  await listen(server, config)
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('not listening on a TCP port')
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address
  const url = `http://${host}:${address.port}`
  log.info({ url, brokers: config.kafka.brokers }, 'listening')
  return {
    url,
    async stop() {
      draining = true
      log.info('shutting down')
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeIdleConnections()
      const timer = setTimeout(() => server.closeAllConnections(), config.shutdownTimeoutMs)
      await streams.drain(config.shutdownTimeoutMs)
      await closed
      clearTimeout(timer)
      writer.close()
      await cluster.close()
      log.info('stopped')
    },
  }
}

function listen(server: Server, { host, port }: Config): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.removeListener('error', reject)
      resolve()
    })
  })
}

const clientErrors: Record<string, ProblemCode> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'body_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
}

/** Bytes that never became a request: answered as a problem where the socket still takes one, and closed. */
function answerClientError(error: NodeJS.ErrnoException & { rawPacket?: Buffer }, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy()
    return
  }
  const problem = new Problem(clientErrors[error.code ?? ''] ?? 'bad_request')
  const body = JSON.stringify(problem.toDocument('-'))
  socket.end(
    `HTTP/1.1 ${problem.status} ${problem.row.title}\r\ncontent-type: application/problem+json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  )
}

/** The process: environment, signals, exit codes. */
async function main(): Promise<void> {
  let config: Config
  try {
    config = loadConfig(process.env)
    if (config.kafka.brokers.length === 0) {
      throw new ConfigError(['KAFKA_BROKERS: expected host:port, several separated by commas'])
    }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    for (const problem of error.problems) console.error(`sluice: ${problem}`)
    process.exit(78) // EX_CONFIG
  }
  const log = pino({ name: 'sluice', level: config.logLevel })
  const gateway = await startGateway(config, log)
  let stopping = false
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stopping) process.exit(1)
      stopping = true
      gateway.stop().then(
        () => process.exit(0),
        (error: unknown) => {
          log.fatal({ error }, 'shutdown failed')
          process.exit(1)
        },
      )
    })
  }
}

if (import.meta.main) await main()
