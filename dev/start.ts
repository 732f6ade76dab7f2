import type { Logger } from 'pino'
import { type Config, ConfigError, loadConfig } from '../src/config/config.ts'
import type { Gateway } from '../src/gateway.ts'
import { startGateways } from '../src/workers.ts'
import { stopEarlierBroker } from './kafka/earlier-broker.ts'
import { isOnPath } from './kafka/java.ts'
import { kafkaVersion } from './kafka/jars.ts'
import { brokerFolder, type LocalKafka, startLocalKafka } from './kafka/local-kafka.ts'
import type { Lock } from './kafka/lock.ts'
import { SetupError } from './setup-error.ts'
import { banner, clientUrl } from './start/banner.ts'
import { openDataDir } from './start/data-dir.ts'
import { checkPorts, gatewayPortError } from './start/ports.ts'
import { Progress } from './start/progress.ts'
import { logLine, startLog } from './start/readable-log.ts'

/** Ctrl-C under npm arrives twice, from the terminal and from npm: a second signal within this is the same, ms. */
const SAME_SIGNAL_MS = 500

/** What runs, in the order it was started; stopped the other way round. */
interface Running {
  lock?: Lock
  kafka?: LocalKafka
  gateway?: Gateway
}

const { env, stdout, stderr } = process
const progress = new Progress(stdout)
const running: Running = {}
const cancel = new AbortController()
let starting: Promise<void> = Promise.resolve()

/** Ends the process, once: later reasons to end find it ending. */
let ending: Promise<never> | undefined

function end(code: number, sentence?: string): Promise<never> {
  ending ??= (async () => {
    cancel.abort()
    // What is being started gives up or comes to its end, so that it can be stopped.
    await starting.catch(() => {})
    progress.clear()
    if (sentence !== undefined) console.error(`sluice: ${sentence}`)
    const exitCode = (await stopAll()) ? code : 1
    progress.clear()
    process.exit(exitCode)
  })()
  return ending
}

/** Stops the gateway, then Kafka, so that accepted records still reach it. */
async function stopAll(): Promise<boolean> {
  let clean = true
  if (running.gateway !== undefined) {
    progress.update('Stopping the gateway')
    await running.gateway.stop().catch((error: unknown) => {
      clean = false
      console.error(`sluice: the gateway did not stop in order: ${String(error)}`)
    })
  }
  if (running.kafka !== undefined) {
    progress.update('Stopping Kafka')
    await running.kafka.stop()
  }
  running.lock?.release()
  return clean
}

function handleSignals(): void {
  let first: number | undefined
  const onSignal = () => {
    const now = performance.now()
    if (first === undefined) {
      first = now
      void end(0)
    } else if (now - first > SAME_SIGNAL_MS) {
      running.lock?.release()
      const killed = running.kafka?.kill9() ?? Promise.resolve()
      void killed.then(() => process.exit(1))
    }
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal)
}

async function startKafka(config: Config): Promise<LocalKafka> {
  running.lock = openDataDir(config.dataDir)
  await stopEarlierBroker(brokerFolder(config.dataDir))
  await checkPorts(config, true)
  const kafka = await startLocalKafka({
    dataDir: config.dataDir,
    port: config.kafkaPort,
    onProgress: progress.update,
    signal: cancel.signal,
    env,
  })
  running.kafka = kafka
  void kafka.exited.then(({ code, signal }) => {
    const how = signal === null ? `with code ${code}` : `by ${signal}`
    const word = kafka.lastWord()
    const last = word === '' ? '' : `, saying last: ${word}`
    return end(1, `Kafka ended ${how}, so Sluice stops too; its log is ${kafka.logFile}${last}`)
  })
  return kafka
}

async function startAll(config: Config, log: Logger): Promise<void> {
  const kafka = config.kafka.brokers.length === 0 ? await startKafka(config) : undefined
  if (kafka === undefined) await checkPorts(config, false)
  const brokers = kafka === undefined ? config.kafka.brokers : [kafka.bootstrap]
  progress.update('Starting the gateway')
  const withBrokers = { ...config, kafka: { ...config.kafka, brokers } }
  const gateway = await startGateways(withBrokers, log, logLine(stderr)).catch(
    (error: NodeJS.ErrnoException) => {
      throw error.syscall === 'listen' || error.syscall === 'getaddrinfo'
        ? gatewayPortError(error, config)
        : error
    },
  )
  running.gateway = gateway
  const trouble = await readiness(gateway.url)
  if (ending !== undefined) return
  progress.clear()
  stdout.write(
    banner({ url: gateway.url, kafka, kafkaVersion, brokers, websocat: isOnPath('websocat', env) }),
  )
  if (trouble !== undefined) console.error(`sluice: not ready yet: ${trouble}`)
}

/** Why the gateway can't serve yet, in its own words; undefined where it can. */
async function readiness(url: string): Promise<string | undefined> {
  // Of a certificate that this machine need not trust, the gateway's log says what there is to say.
  const response = await fetch(`${clientUrl(url)}/readyz`).catch(() => undefined)
  if (response === undefined || response.ok) return undefined
  const { title, detail } = (await response.json()) as { title?: string; detail?: string }
  // A problem that has no more to say repeats its title.
  return [...new Set([title, detail])].filter((text) => text !== undefined).join(': ')
}

async function main(): Promise<void> {
  handleSignals()
  try {
    const config = loadConfig(env)
    const log = startLog(env.SLUICE_LOG_LEVEL ? config.logLevel : 'warn', stderr)
    starting = startAll(config, log)
    await starting
  } catch (error) {
    if (ending !== undefined) return
    if (error instanceof ConfigError) await end(78, error.problems.join('\nsluice: '))
    if (error instanceof SetupError) await end(1, error.message)
    await end(1, error instanceof Error ? error.stack : String(error))
  }
}

await main()
