import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { onTestFinished } from 'vitest'
import { quickJvm } from '../../dev/kafka/broker.ts'
import { ensureJars } from '../../dev/kafka/jars.ts'
import { runningPid } from '../../dev/kafka/process-identity.ts'
import { temporaryDir } from './temporary-dir.ts'

const root = resolve(import.meta.dirname, '../..')

/** What a run of a process printed and how it ended. */
export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

interface TestProcessOptions {
  readonly cwd?: string
  readonly env: NodeJS.ProcessEnv
  /** As typed into a terminal: its input stays open, and signals reach what it has started as well. */
  readonly terminal?: boolean
}

/** A process of a test: killed when the test ends, if it still runs. */
export class TestProcess {
  readonly pid: number
  readonly #send: (signal: NodeJS.Signals) => void
  readonly ended: Promise<Ended>
  #stdout = ''
  #stderr = ''
  #changed = Promise.withResolvers<void>()

  constructor(
    command: string,
    args: readonly string[],
    { terminal = false, ...options }: TestProcessOptions,
  ) {
    const child = spawn(command, args, { ...options, detached: terminal, stdio: 'pipe' })
    // It may have ended already.
    child.stdin.on('error', () => {})
    if (!terminal) child.stdin.end()
    child.on('error', (error) => this.#took('stderr', String(error)))
    child.stdout.setEncoding('utf8').on('data', (text: string) => this.#took('stdout', text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => this.#took('stderr', text))
    this.pid = child.pid ?? -1
    this.#send = (signal) => {
      if (child.pid === undefined) return
      if (terminal) process.kill(-child.pid, signal)
      else child.kill(signal)
    }
    this.ended = new Promise((settle) => {
      child.once('close', (code, signal) => {
        settle({ code, signal, stdout: this.#stdout, stderr: this.#stderr })
        this.#changed.resolve()
      })
    })
    onTestFinished(async () => {
      await this.kill9()
    })
  }

  #took(stream: 'stdout' | 'stderr', text: string): void {
    if (stream === 'stdout') this.#stdout += text
    else this.#stderr += text
    this.#changed.resolve()
    this.#changed = Promise.withResolvers()
  }

  get stdout(): string {
    return this.#stdout
  }

  signal(signal: NodeJS.Signals): void {
    this.#send(signal)
  }

  /** Kills it; nothing where it has ended. */
  kill9(): Promise<Ended> {
    try {
      this.#send('SIGKILL')
    } catch {
      // Nothing is left of its group.
    }
    return this.ended
  }

  /** Waits until stdout matches; fails with all that was printed where the process ends first. */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    let over = false
    const ended = this.ended.then(() => (over = true))
    for (;;) {
      const match = pattern.exec(this.#stdout)
      if (match !== null) return match
      if (over) throw new Error(`ended without printing ${pattern}:\n${this.#stdout}\n${this.#stderr}`)
      await Promise.race([this.#changed.promise, ended])
    }
  }
}

/** A data directory for one test, removed with what runs in it; the jars in it are those of the whole checkout. */
export async function makeDataDir(): Promise<string> {
  const home = dirname(await ensureJars())
  const dir = temporaryDir()
  // Registered after the directory's removal, so done before it.
  onTestFinished(() => {
    const kafka = kafkaPid(dir)
    if (kafka !== undefined) process.kill(kafka, 'SIGKILL')
  })
  symlinkSync(home, join(dir, basename(home)))
  return dir
}

/** The id of the Kafka process that runs on a data directory. */
export function kafkaPid(dataDir: string): number | undefined {
  try {
    return runningPid(readFileSync(join(dataDir, 'kafka', 'kafka.pid'), 'utf8'))
  } catch {
    return undefined
  }
}

/** Runs what `npm start` runs. Settings of the test run itself don't reach it. */
export function runStart(settings: Record<string, string>): TestProcess {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(SLUICE|KAFKA)_/.test(name))
  return new TestProcess(process.execPath, ['dev/start.ts'], {
    cwd: root,
    env: {
      ...Object.fromEntries(inherited),
      JAVA_TOOL_OPTIONS: quickJvm.join(' '),
      SLUICE_PORT: '0',
      SLUICE_KAFKA_PORT: '0',
      ...settings,
    },
  })
}

/** A PATH on which there are only the named commands of this machine, and a folder to put others in. */
export function pathWith(commands: readonly string[]): string {
  const bin = join(temporaryDir(), 'bin')
  mkdirSync(bin)
  for (const command of commands) {
    const found = (process.env.PATH ?? '')
      .split(':')
      .map((folder) => join(folder, command))
      .find((file) => runs(file))
    if (found === undefined) throw new Error(`there is no ${command} on this machine`)
    symlinkSync(found, join(bin, command))
  }
  return bin
}

function runs(file: string): boolean {
  try {
    return readFileSync(file).length > 0
  } catch {
    return false
  }
}
