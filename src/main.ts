import { type Config, ConfigError, loadConfig } from './config/config.ts'
import type { Gateway } from './gateway.ts'
import { createLogger } from './log.ts'
import { startGateways } from './workers.ts'

/** sysexits.h: the configuration is wrong. */
const EX_CONFIG = 78

function configOrExit(): Config {
  try {
    const config = loadConfig(process.env)
    if (config.kafka.brokers.length > 0) return config
    throw new ConfigError(['KAFKA_BROKERS: expected host:port, several separated by commas'])
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return exitForConfig(error)
  }
}

function exitForConfig({ problems }: ConfigError): never {
  for (const problem of problems) console.error(`sluice: ${problem}`)
  process.exit(EX_CONFIG)
}

/** The process: environment, signals, exit codes. */
const config = configOrExit()
const log = createLogger(config)
let gateway: Gateway | undefined
let stopping = false

/** The first signal stops in order, a second one at once. Before it listens there is nothing to put in order. */
function stop(delayMs = 0): void {
  if (stopping || gateway === undefined) {
    gateway?.abandon()
    process.exit(process.exitCode ?? (stopping ? 1 : 0))
  }
  stopping = true
  gateway.stop({ delayMs }).then(
    () => process.exit(),
    (error: unknown) => {
      log.fatal({ error }, 'shutdown failed')
      process.exit(1)
    },
  )
}
process.on('SIGTERM', () => stop(config.drainDelayMs))
// From a terminal: nobody sends this process anything by way of a load balancer.
process.on('SIGINT', () => stop())
process.on('SIGHUP', () => gateway?.reload())
// A bug that no handler caught: what else is broken isn't known. Say it, stop in order, and be started again.
process.on('uncaughtException', (error) => {
  log.fatal({ error }, 'uncaught exception')
  process.exitCode = 1
  stop()
})

try {
  gateway = await startGateways(config, log, (line) => process.stdout.write(line))
} catch (error) {
  if (error instanceof ConfigError) exitForConfig(error)
  log.fatal({ error }, 'could not start')
  console.error(`sluice: ${startSentence(error as NodeJS.ErrnoException)}`)
  process.exit(1)
}

function startSentence({ code, port, syscall, path }: NodeJS.ErrnoException & { port?: number }): string {
  if (syscall === 'open') return `${path} cannot be written (${code}): see SLUICE_AUDIT_LOG.`
  const isMetrics = config.metrics.port !== undefined && port !== undefined && port !== config.port
  const [taken, setting] = isMetrics ? [port, 'SLUICE_METRICS_PORT'] : [config.port, 'SLUICE_PORT']
  switch (code) {
    case 'EADDRINUSE':
      return `port ${taken} is in use: stop what listens there or set ${setting}.`
    case 'EACCES':
      return `port ${taken} may not be used by this user: set ${setting} above 1023.`
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `${isMetrics ? config.metrics.host : config.host} is no address of this machine: set ${setting.replace('PORT', 'HOST')}.`
    default:
      return 'could not start; the log has the cause.'
  }
}
