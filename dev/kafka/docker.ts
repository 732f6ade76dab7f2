import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { freePort } from './free-port.ts'
import type { LocalKafka, OnProgress } from './local-kafka.ts'
import { kafkaVersion } from './jars.ts'
import { OwnedProcess } from './owned-process.ts'
import { KafkaStartError, lastWord, waitReady } from './readiness.ts'
import { commonConfigs } from './server-properties.ts'

const image = `apache/kafka:${kafkaVersion}`
const READY_MS = 120_000

const run = promisify(execFile)

/** Whether there is a Docker daemon that answers. */
export async function dockerWorks(env: NodeJS.ProcessEnv): Promise<boolean> {
  try {
    await run('docker', ['version', '--format', '{{.Server.Version}}'], { env, timeout: 10_000 })
    return true
  } catch {
    return false
  }
}

/**
 * The official image in place of Java and Maven. Its data is a Docker volume, since a folder of ours would not be
 * writable for the image's user.
 * @throws KafkaStartError
 */
export async function startDockerBroker(options: {
  dir: string
  port: number
  onProgress: OnProgress
  signal: AbortSignal
  env: NodeJS.ProcessEnv
}): Promise<LocalKafka> {
  const { onProgress, signal, env } = options
  const dir = resolve(options.dir)
  mkdirSync(dir, { recursive: true })
  const name = containerName(dir)
  const port = options.port || (await freePort())
  await pullImage(options)
  onProgress(`Starting Apache Kafka ${kafkaVersion} in Docker`)
  await remove(name, env)
  const logFile = join(dir, 'kafka.log')
  const process = await OwnedProcess.launch({
    command: 'docker',
    args: ['run', '--rm', '--name', name, ...dockerArguments(name, port), image],
    env,
    logFile,
    pidFile: join(dir, 'docker.pid'),
    whenOrphaned: `docker stop -t 20 ${name}`,
  })
  const bootstrap = `127.0.0.1:${port}`
  const kafka: LocalKafka = {
    bootstrap,
    logFile,
    dataPlace: `the Docker volume ${name}`,
    exited: process.exited,
    lastWord: () => lastWord(logFile, process.logStart),
    async stop(graceMs = 20_000) {
      // The client passes SIGTERM on; killed, it leaves the container behind.
      const exit = await process.stop(graceMs)
      await remove(name, env)
      return exit
    },
    async kill9() {
      await remove(name, env)
      return process.kill()
    },
  }
  try {
    await waitReady(process, { bootstrap, timeoutMs: READY_MS, signal })
    return kafka
  } catch (error) {
    await kafka.kill9()
    throw error
  }
}

/** One container and one volume for each data folder. */
export function containerName(dir: string): string {
  return `sluice-kafka-${createHash('sha256').update(dir).digest('hex').slice(0, 8)}`
}

/** Ports, volume and settings; the image takes settings as KAFKA_ and the name in capitals with `_` for dots. */
export function dockerArguments(volume: string, port: number): string[] {
  const settings: Record<string, string> = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': '1@localhost:29093',
    // The same port inside and outside: the broker also talks to itself under its advertised address.
    listeners: `PLAINTEXT://0.0.0.0:${port},CONTROLLER://localhost:29093`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': '/var/lib/kafka/data',
    ...commonConfigs(1),
  }
  const environment = Object.entries(settings).flatMap(([name, value]) => [
    '-e',
    `KAFKA_${name.toUpperCase().replaceAll('.', '_')}=${value}`,
  ])
  return ['-p', `127.0.0.1:${port}:${port}`, '-v', `${volume}:/var/lib/kafka/data`, ...environment]
}

async function remove(name: string, env: NodeJS.ProcessEnv): Promise<void> {
  await run('docker', ['rm', '-f', name], { env }).catch(() => {})
}

async function pullImage(options: {
  dir: string
  onProgress: OnProgress
  signal: AbortSignal
  env: NodeJS.ProcessEnv
}): Promise<void> {
  const { onProgress, signal, env } = options
  const known = await run('docker', ['image', 'inspect', image], { env }).then(
    () => true,
    () => false,
  )
  if (known) return
  const phase = `Fetching the Docker image ${image} (this once)`
  onProgress(phase)
  const child = spawn('docker', ['pull', image], { env, signal, detached: true })
  let last = ''
  const onLine = (line: string) => {
    last = line.trim() || last
    onProgress(phase, last)
  }
  createInterface(child.stdout).on('line', onLine)
  createInterface(child.stderr).on('line', onLine)
  const code = await new Promise<number | null>((settle, reject) => {
    child.once('error', reject)
    child.once('close', settle)
  })
  if (code !== 0) throw new KafkaStartError(`could not be fetched by Docker: ${last}`, '')
}
