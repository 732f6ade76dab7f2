import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { GATEWAY_FLAGS } from '../../dev/gateway-flags.ts'
import { freePort } from '../../dev/kafka/free-port.ts'

const entry = join(import.meta.dirname, '../../bin/sluice.mjs')
const READY_MS = 60_000

export interface GatewayOptions {
  readonly name: string
  readonly env: NodeJS.ProcessEnv
  /** Holds its log. */
  readonly folder: string
  /** More for V8. */
  readonly flags?: readonly string[]
  /** A command that runs it, such as `prlimit --nofile=128`. */
  readonly wrapper?: readonly string[]
}

/** One gateway, a process that comes back on the same port. */
export class GatewayProcess {
  readonly name: string
  readonly port: number
  readonly url: string
  readonly metricsUrl: string
  readonly #options: GatewayOptions
  readonly #env: NodeJS.ProcessEnv
  #child: ChildProcess | undefined
  #isWanted = false
  /** A sentence for each time that it ended by itself. */
  readonly ended: string[] = []

  private constructor(options: GatewayOptions, port: number, metricsPort: number) {
    this.name = options.name
    this.port = port
    this.url = `http://127.0.0.1:${port}`
    this.metricsUrl = `http://127.0.0.1:${metricsPort}/metrics`
    this.#options = options
    this.#env = {
      PATH: process.env.PATH,
      SLUICE_LOG_LEVEL: 'warn',
      ...options.env,
      SLUICE_PORT: String(port),
      SLUICE_METRICS_PORT: String(metricsPort),
    }
  }

  static async start(options: GatewayOptions): Promise<GatewayProcess> {
    const gateway = new GatewayProcess(options, await freePort(), await freePort())
    process.on('exit', () => gateway.signal('SIGKILL'))
    await gateway.run()
    return gateway
  }

  get logFile(): string {
    return join(this.#options.folder, `${this.name}.log`)
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  /** Starts it and waits until it can serve. @throws Error where it ends, or takes too long */
  async run(): Promise<void> {
    const log = openSync(this.logFile, 'a')
    const { wrapper = [], flags = [] } = this.#options
    const [command = '', ...args] = [...wrapper, process.execPath, ...GATEWAY_FLAGS, ...flags, entry, 'serve']
    const child = spawn(command, args, { env: this.#env, stdio: ['ignore', log, log] })
    this.#child = child
    this.#isWanted = true
    child.once('exit', (code, signal) => {
      if (this.#isWanted && this.#child === child)
        this.ended.push(`ended: ${this.name} ended by itself with ${signal ?? code}, see ${this.logFile}`)
    })
    const deadline = performance.now() + READY_MS
    while (!(await this.isReady())) {
      if (child.exitCode !== null) throw new Error(`the gateway ended; its log is ${this.logFile}`)
      if (performance.now() > deadline)
        throw new Error(`the gateway is not ready; its log is ${this.logFile}`)
      await pause(100)
    }
  }

  /** Whether it says that it can serve. */
  async isReady(path = '/readyz'): Promise<boolean> {
    try {
      const headers = { connection: 'close' }
      return (await fetch(this.url + path, { headers, signal: AbortSignal.timeout(5_000) })).ok
    } catch {
      return false
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal)
  }

  /** Ends it by a signal and waits until it is gone. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#child
    this.#isWanted = false
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill(signal)
    await exited
  }
}
