import { existsSync, mkdirSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { sharedClasses } from './class-archive.ts'
import { pidFileOf, stopEarlierBroker } from './earlier-broker.ts'
import { formatAlike, keepFormat } from './format-copy.ts'
import { formatData, newClusterId } from './format.ts'
import { freePort } from './free-port.ts'
import { ensureJars } from './jars.ts'
import { killGroup, stopGroup } from './orphan-guard.ts'
import { type Exit, OwnedProcess } from './owned-process.ts'
import { lastWord, waitReady } from './readiness.ts'
import { serverProperties } from './server-properties.ts'

/** Java for short runs: the plainest collector and no second compiler, which start fastest. */
export const quickJvm = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']
/** The same with a small heap, for many of them. */
export const smallJvm = ['-Xmx384m', ...quickJvm]

const READY_MS = 90_000
const STOP_GRACE_MS = 20_000
/** An older log past this is moved aside at a start, bytes. */
const LOG_KEEP_BYTES = 10_485_760

export interface BrokerOptions {
  /** Holds everything of the broker: server.properties, kafka.log and the data. Made where missing; data in it is kept. */
  readonly dir: string
  /** Kafka's jars; by default the shared ones, fetched where missing. */
  readonly libs?: string
  readonly java?: string
  /** Port of its clients; 0, the default, takes a free one. */
  readonly port?: number
  /** Further listeners, `NAME://host:port`. */
  readonly listeners?: readonly string[]
  /** server.properties to add or replace. */
  readonly configs?: Readonly<Record<string, string>>
  readonly jvm?: readonly string[]
  /** When our process dies: `stop` lets Kafka end in order, `kill` (the default) does not wait. */
  readonly whenOrphaned?: 'stop' | 'kill'
  readonly signal?: AbortSignal
  /** One of many that nobody keeps: its data folder is formatted as that of another was before. */
  readonly isTemporary?: boolean
  /** The broker's place in a cluster; alone by default. */
  readonly member?: ClusterMember
}

export interface ClusterMember {
  readonly nodeId: number
  readonly controllerPort: number
  readonly voters: string
  readonly clusterId: string
  readonly replication: number
}

/** A Kafka broker of ours, a process that can be stopped, paused, killed and started again. */
export class Broker {
  readonly nodeId: number
  /** `127.0.0.1:port`; the same after every restart. */
  readonly bootstrap: string
  readonly logFile: string
  readonly #launch: (signal?: AbortSignal) => Promise<OwnedProcess>
  #process: OwnedProcess

  constructor(
    fixed: { nodeId: number; bootstrap: string; logFile: string },
    launch: (signal?: AbortSignal) => Promise<OwnedProcess>,
    process: OwnedProcess,
  ) {
    this.nodeId = fixed.nodeId
    this.bootstrap = fixed.bootstrap
    this.logFile = fixed.logFile
    this.#launch = launch
    this.#process = process
  }

  get pid(): number {
    return this.#process.pid
  }

  /** Settles when the running process ends, whatever the reason. */
  get exited(): Promise<Exit> {
    return this.#process.exited
  }

  /** Stops it in order (SIGTERM), by force after `graceMs`. */
  async stop(graceMs = STOP_GRACE_MS): Promise<Exit> {
    return this.#process.stop(graceMs)
  }

  /** kill -9: the broker loses what it had not told the operating system. */
  async kill9(): Promise<Exit> {
    return this.#process.kill()
  }

  /** Stops it in its tracks (SIGSTOP): connections stay open, nothing answers. */
  pause(): void {
    this.#process.signal('SIGSTOP')
  }

  /** Undoes pause(). */
  resume(): void {
    this.#process.signal('SIGCONT')
  }

  /**
   * Starts it again on the same port and data, stopping it first where it runs. Resolves when it answers.
   * @throws KafkaStartError
   */
  async restart(): Promise<void> {
    await this.stop()
    this.#process = await this.#launch()
    await waitReady(this.#process, { bootstrap: this.bootstrap, timeoutMs: READY_MS })
  }

  /** What its log says last. */
  lastWord(): string {
    return lastWord(this.logFile, this.#process.logStart)
  }
}

/**
 * Formats the data folder where it is new, starts the broker and waits until it answers.
 * @throws KafkaStartError where it ends or does not answer
 */
export async function startBroker(options: BrokerOptions): Promise<Broker> {
  const { broker, process } = await launchBroker(options)
  try {
    await waitReady(process, { bootstrap: broker.bootstrap, timeoutMs: READY_MS, signal: options.signal })
    return broker
  } catch (error) {
    await process.kill()
    throw error
  }
}

/** As startBroker, without waiting until it answers: one of several answers only when most are there. */
export async function launchBroker(
  options: BrokerOptions,
): Promise<{ broker: Broker; process: OwnedProcess }> {
  const libs = options.libs ?? (await ensureJars({ signal: options.signal }))
  const dir = resolve(options.dir)
  const port = options.port || (await freePort())
  const member = options.member ?? (await alone())
  const dataDir = join(dir, 'data')
  const logFile = join(dir, 'kafka.log')
  const pidFile = pidFileOf(dir)
  const properties = join(dir, 'server.properties')
  const java = options.java ?? 'java'
  mkdirSync(dir, { recursive: true })
  if ((statSync(logFile, { throwIfNoEntry: false })?.size ?? 0) > LOG_KEEP_BYTES) {
    renameSync(logFile, `${logFile}.old`)
  }
  const { listeners, configs } = options
  writeFileSync(properties, serverProperties({ ...member, dataDir, port, listeners, configs }))
  await stopEarlierBroker(dir)
  const isAlike = options.isTemporary === true && configs?.['log.dirs'] === undefined
  if (isAlike) formatAlike(libs, dataDir, member)
  if (!existsSync(join(dataDir, 'meta.properties'))) {
    const { clusterId } = member
    const { signal } = options
    await formatData({
      java,
      libs,
      jvm: [...smallJvm, ...sharedClasses(libs, java)],
      properties,
      logFile,
      clusterId,
      signal,
    })
    if (isAlike) keepFormat(libs, dataDir)
  }
  const jvm = [...(options.jvm ?? smallJvm), ...sharedClasses(libs, java), ...logging]
  const launch = () =>
    OwnedProcess.launch({
      command: java,
      args: [...jvm, '-cp', join(libs, '*'), 'kafka.Kafka', properties],
      logFile,
      pidFile,
      whenOrphaned: options.whenOrphaned === 'stop' ? stopGroup : killGroup,
    })
  const process = await launch()
  const fixed = { nodeId: member.nodeId, bootstrap: `127.0.0.1:${port}`, logFile }
  return { broker: new Broker(fixed, launch, process), process }
}

const logging = [
  '-Dorg.slf4j.simpleLogger.showDateTime=true',
  "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
  '-Dorg.slf4j.simpleLogger.showThreadName=false',
]

async function alone(): Promise<ClusterMember> {
  const controllerPort = await freePort()
  const voters = `1@127.0.0.1:${controllerPort}`
  return { nodeId: 1, controllerPort, voters, clusterId: newClusterId(), replication: 1 }
}
