import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

const entry = join(import.meta.dirname, '../../bin/sluice.mjs')

/** How a command ended and what it printed. */
export interface CliResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface CliOptions {
  readonly input?: string | Uint8Array
  readonly env?: Readonly<Record<string, string>>
}

/** The `sluice` command as a process, told to talk to a gateway. */
export class Cli {
  readonly #url: string

  constructor({ url }: { readonly url: string }) {
    this.#url = url
  }

  /** Runs a command to its end; standard input is `input`, or empty. */
  run(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
    return this.start(args, options).ended
  }

  /** Runs a command that has to succeed, and reads the JSON that it prints. */
  async json<T>(...args: string[]): Promise<T> {
    const { code, stdout, stderr } = await this.run([...args, '--json'])
    if (code !== 0) throw new Error(`sluice ${args.join(' ')} ended with ${code}: ${stderr}`)
    return JSON.parse(stdout) as T
  }

  /** Starts a command; without `input` in its options its standard input stays open. */
  start(args: readonly string[], { input, env = {} }: CliOptions = {}, open = false): CliProcess {
    const { PATH = '', HOME = '' } = process.env
    const child = spawn(process.execPath, [entry, ...args], {
      env: { PATH, HOME, SLUICE_URL: this.#url, ...env },
      stdio: 'pipe',
    })
    if (!open) child.stdin.end(input ?? '')
    return new CliProcess(child)
  }
}

/** A command that runs; killed when the test ends, if it still does. */
export class CliProcess {
  readonly child: ChildProcess
  readonly ended: Promise<CliResult>
  #stdout: Buffer[] = []
  #stderr = ''

  constructor(child: ChildProcess) {
    this.child = child
    child.stdin?.on('error', () => {})
    child.stdout?.on('data', (piece: Buffer) => this.#stdout.push(piece))
    child.stderr?.on('data', (piece: Buffer) => (this.#stderr += piece.toString()))
    this.ended = new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code) => resolve({ code, stdout: this.stdout, stderr: this.#stderr }))
    })
    onTestFinished(async () => {
      child.kill('SIGKILL')
      await this.ended
    })
  }

  /** What it has printed so far. */
  get stdout(): string {
    return Buffer.concat(this.#stdout).toString('utf8')
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#stdout)
  }

  get stderr(): string {
    return this.#stderr
  }
}

/** Lines of a table as lists of cells. */
export function cells(stdout: string): string[][] {
  return stdout.split('\n').map((line) => line.trim().split(/ {2,}/))
}
