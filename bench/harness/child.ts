import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { killGroup, onOrphaned } from '../../dev/kafka/orphan-guard.ts'

/** How much of what a child wrote is kept for an error message, characters. */
const TAIL = 4_000

export interface ChildOptions {
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
  /** Node's own options. */
  readonly execArgv?: readonly string[]
}

const running = new Set<Child>()
process.on('exit', () => {
  for (const child of running) child.kill()
})

/** A Node process of this run that outlives neither its end, nor Ctrl-C, nor kill -9. */
export class Child {
  readonly pid: number
  /** Settles when the process has ended and all it wrote was read; never rejects. */
  readonly ended: Promise<number | null>
  readonly #process: ChildProcessByStdio<null, Readable, Readable>
  readonly #name: string
  readonly #lines: string[] = []
  #said = ''
  #over = false
  #changed = Promise.withResolvers<void>()

  constructor(script: string, args: readonly string[], options: ChildOptions = {}) {
    this.#name = script
    // A process group of its own: a terminal's Ctrl-C reaches only us, and we end things in order.
    const child = spawn(process.execPath, [...(options.execArgv ?? []), script, ...args], {
      cwd: options.cwd,
      env: options.env ?? process.env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#process = child
    this.pid = child.pid ?? -1
    running.add(this)
    const guard = child.pid === undefined ? undefined : onOrphaned(killGroup, String(child.pid))
    let rest = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const parts = (rest + text).split('\n')
      rest = parts.pop()!
      this.#lines.push(...parts)
      this.#keep(text)
      this.#wake()
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => this.#keep(text))
    this.ended = new Promise((resolve) => {
      child.once('error', (error) => this.#keep(error.message))
      child.once('close', (code) => {
        this.#over = true
        running.delete(this)
        guard?.release()
        this.#wake()
        resolve(code)
      })
    })
  }

  #keep(text: string): void {
    this.#said = (this.#said + text).slice(-TAIL)
  }

  #wake(): void {
    this.#changed.resolve()
    this.#changed = Promise.withResolvers()
  }

  /**
   * The first line of its output, from where the last call stopped, that `read` makes something of.
   * @throws where the process ends first, or time is up; it is killed then
   */
  async line<T>(read: (line: string) => T | undefined, timeoutMs: number): Promise<T> {
    let late = false
    const timer = setTimeout(() => {
      late = true
      this.kill()
      this.#wake()
    }, timeoutMs)
    try {
      for (;;) {
        for (let line = this.#lines.shift(); line !== undefined; line = this.#lines.shift()) {
          const value = read(line)
          if (value !== undefined) return value
        }
        if (late) throw new Error(`${this.#name} did not answer within ${timeoutMs} ms:\n${this.#said}`)
        if (this.#over) throw new Error(`${this.#name} ended too early:\n${this.#said}`)
        await this.#changed.promise
      }
    } finally {
      clearTimeout(timer)
    }
  }

  /** Asks it to end, and kills it after `graceMs`. */
  async stop(graceMs = 5_000): Promise<void> {
    if (this.#over) return
    this.#process.kill('SIGTERM')
    const timer = setTimeout(() => this.kill(), graceMs)
    await this.ended
    clearTimeout(timer)
  }

  kill(): void {
    this.#process.kill('SIGKILL')
  }
}
