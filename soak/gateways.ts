import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { freePort } from '../dev/kafka/free-port.ts'
import { GATEWAY_FLAGS } from '../dev/gateway-flags.ts'

const entry = join(import.meta.dirname, '../bin/sluice.mjs')

/** One gateway, a process that comes back on the same port. */
export class GatewayProcess {
  readonly url: string
  readonly #env: NodeJS.ProcessEnv
  readonly #logFile: string
  #child: ChildProcess | undefined

  private constructor(port: number, env: NodeJS.ProcessEnv, logFile: string) {
    this.url = `http://127.0.0.1:${port}`
    this.#env = { PATH: process.env.PATH, ...env, SLUICE_PORT: String(port) }
    this.#logFile = logFile
  }

  static async start(env: NodeJS.ProcessEnv, logFile: string): Promise<GatewayProcess> {
    const gateway = new GatewayProcess(await freePort(), env, logFile)
    process.on('exit', () => gateway.signal('SIGKILL'))
    await gateway.run()
    return gateway
  }

  /** Starts it and waits until it can serve. */
  async run(): Promise<void> {
    const log = openSync(this.#logFile, 'a')
    this.#child = spawn(process.execPath, [...GATEWAY_FLAGS, entry, 'serve'], {
      env: this.#env,
      stdio: ['ignore', log, log],
    })
    for (;;) {
      const ready = await fetch(`${this.url}/readyz`).then(
        (response) => response.ok,
        () => false,
      )
      if (ready) return
      if (this.#child.exitCode !== null) throw new Error(`the gateway ended; its log is ${this.#logFile}`)
      await pause(100)
    }
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal)
  }

  /** Ends it by a signal and waits until it is gone. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill(signal)
    await exited
  }
}
