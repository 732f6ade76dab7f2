import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { SetupError } from '../setup-error.ts'
import { startBroker } from './broker.ts'
import { dockerWorks, startDockerBroker } from './docker.ts'
import { ensureJars, jarsFolder, kafkaVersion } from './jars.ts'
import { findJava, isOnPath, javaNeeded } from './java.ts'
import type { Exit } from './owned-process.ts'

/** What is being done, and of it the step that is of interest only to who watches. */
export type OnProgress = (phase: string, detail?: string) => void

/** The Kafka that `npm start` runs, by Java or by Docker. */
export interface LocalKafka {
  readonly bootstrap: string
  readonly logFile: string
  /** Where its data is, in words. */
  readonly dataPlace: string
  /** Settles when it ends, whatever the reason. */
  readonly exited: Promise<Exit>
  stop(graceMs?: number): Promise<Exit>
  kill9(): Promise<Exit>
  lastWord(): string
}

/** Below the data directory: one broker's log, settings and data. */
export function brokerFolder(dataDir: string): string {
  return join(resolve(dataDir), 'kafka')
}

/**
 * Starts Kafka on data kept in `dataDir`: with Java and Maven, else with Docker.
 * @throws SetupError naming the ways out where there is neither
 * @throws KafkaStartError
 */
export async function startLocalKafka(options: {
  dataDir: string
  port: number
  onProgress: OnProgress
  signal: AbortSignal
  env: NodeJS.ProcessEnv
}): Promise<LocalKafka> {
  const { dataDir, port, onProgress, signal, env } = options
  const dir = brokerFolder(dataDir)
  const java = await findJava(env)
  const fetched = existsSync(jarsFolder(dataDir))
  if (java !== undefined && java.version >= javaNeeded && (fetched || isOnPath('mvn', env))) {
    const libs = await ensureJars({ cache: dataDir, onProgress, signal, env })
    onProgress(`Starting Apache Kafka ${kafkaVersion}`)
    const jvm = ['-Xms256m', '-Xmx1g']
    const broker = await startBroker({
      dir,
      libs,
      java: java.command,
      port,
      jvm,
      whenOrphaned: 'stop',
      signal,
    })
    return Object.assign(broker, { dataPlace: dir })
  }
  if (await dockerWorks(env)) return startDockerBroker({ dir, port, onProgress, signal, env })
  const missing =
    java === undefined
      ? 'Java is missing'
      : java.version < javaNeeded
        ? `Java ${java.version} is too old`
        : 'Maven is missing'
  const docker = isOnPath('docker', env) ? 'Docker does not answer' : 'there is no Docker'
  throw new SetupError(
    `there is nothing to run Kafka with: ${missing}, and ${docker}. ` +
      `Set KAFKA_BROKERS=host:port to a Kafka that runs already, or install Java ${javaNeeded} and Maven, or start Docker.`,
  )
}
