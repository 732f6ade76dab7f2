import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { SetupError } from '../setup-error.ts'
import { takeLock } from './lock.ts'

const brokerPom = join(import.meta.dirname, 'pom.xml')
/** Maven prints a line for each file; one that is silent for so long hangs, ms. */
const STALL_MS = 120_000

/** The version of the Kafka that pom.xml names. */
export const kafkaVersion = /<artifactId>kafka_2\.13<\/artifactId>\s*<version>([^<]+)</.exec(
  readFileSync(brokerPom, 'utf8'),
)![1]!

/** Where jars are kept unless told otherwise: what `npm start` fetched serves the tests, and the other way round. */
export const sharedCache = resolve(import.meta.dirname, '../../.sluice')

export interface JarsOptions {
  /** Folder to keep the jars below. */
  readonly cache?: string
  /** Names what is fetched, instead of the broker: Kafka's own tools need more than it does. */
  readonly pom?: string
  readonly onProgress?: (phase: string, detail?: string) => void
  readonly signal?: AbortSignal
  readonly env?: NodeJS.ProcessEnv
}

/** The folder of the jars below `cache`. A changed pom.xml gives another one. */
export function jarsFolder(cache: string = sharedCache, pom: string = brokerPom): string {
  const hash = createHash('sha256').update(readFileSync(pom)).digest('hex').slice(0, 8)
  return join(resolve(cache), `kafka-${kafkaVersion}-${hash}`, 'libs')
}

/**
 * Kafka's jars: fetched by Maven the first time, once even where several processes ask at the same time.
 * @returns their folder
 * @throws SetupError saying in one sentence why Maven could not fetch them
 */
export async function ensureJars(options: JarsOptions = {}): Promise<string> {
  const libs = jarsFolder(options.cache, options.pom)
  if (existsSync(libs)) return libs
  const home = join(libs, '..')
  const cache = join(home, '..')
  mkdirSync(cache, { recursive: true })
  for (;;) {
    const lock = takeLock(`${home}.lock`)
    if ('heldBy' in lock) {
      options.onProgress?.(`Waiting for process ${lock.heldBy}, which fetches Apache Kafka ${kafkaVersion}`)
      await sleep(200, undefined, { signal: options.signal })
      continue
    }
    try {
      if (existsSync(libs)) return libs
      removeLeftovers(home)
      const partial = mkdtempSync(`${home}.partial-`)
      try {
        await runMaven(join(partial, 'libs'), options)
        // The folder appears whole or not at all.
        renameSync(partial, home)
      } finally {
        rmSync(partial, { recursive: true, force: true })
      }
      return libs
    } finally {
      lock.release()
    }
  }
}

/** What killed processes left of these jars; those of another pom.xml may just be on their way. */
function removeLeftovers(home: string): void {
  const start = `${basename(home)}.partial-`
  for (const name of readdirSync(dirname(home))) {
    if (name.startsWith(start)) rmSync(join(home, '..', name), { recursive: true, force: true })
  }
}

async function runMaven(
  into: string,
  { pom = brokerPom, onProgress, signal, env }: JarsOptions,
): Promise<void> {
  const phase = `Fetching Apache Kafka ${kafkaVersion} (45 MB, this once)`
  onProgress?.(phase)
  const args = ['-B', '-C', '-Dstyle.color=never', '-f', pom, 'dependency:copy-dependencies']
  const child = spawn('mvn', [...args, `-DoutputDirectory=${into}`], {
    env: env ?? process.env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const kill = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    } catch {
      // Ended by itself.
    }
  }
  let stalled = false
  const stall = setTimeout(() => {
    stalled = true
    kill()
  }, STALL_MS)
  const errors: string[] = []
  let fetched = 0
  const onLine = (line: string) => {
    stall.refresh()
    const file = /Downloaded from .*\/([^/\s]+\.jar)/.exec(line)?.[1]
    if (file !== undefined) onProgress?.(phase, `file ${++fetched}, ${file}`)
    const error = /\[ERROR\] (.*\S)/.exec(line)?.[1]
    if (error !== undefined) errors.push(error)
  }
  createInterface(child.stdout).on('line', onLine)
  createInterface(child.stderr).on('line', onLine)
  signal?.addEventListener('abort', kill)
  try {
    const code = await new Promise<number | null>((settle, reject) => {
      child.once('error', reject)
      child.once('close', settle)
    })
    signal?.throwIfAborted()
    if (code === 0) return
    const reason = stalled ? `nothing came for ${STALL_MS / 1000} s` : (errors[0] ?? `it ended with ${code}`)
    throw new SetupError(
      `Maven could not fetch Apache Kafka ${kafkaVersion} (${reason.slice(0, 400)}): check the network and ` +
        'the mirror and proxy settings of Maven, or set KAFKA_BROKERS to a Kafka that runs already.',
    )
  } finally {
    clearTimeout(stall)
    signal?.removeEventListener('abort', kill)
  }
}
