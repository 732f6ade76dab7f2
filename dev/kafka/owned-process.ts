import { spawn } from 'node:child_process'
import { closeSync, fstatSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { onOrphaned } from './orphan-guard.ts'
import { identityOf } from './process-identity.ts'

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface LaunchOptions {
  readonly command: string
  readonly args: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  /** Takes what the process prints, behind what is there. */
  readonly logFile: string
  /** Holds the identity of the process while it runs. */
  readonly pidFile: string
  /** Shell script that cleans up when our own process dies; $1 is the process id. */
  readonly whenOrphaned: string
}

/** A process of ours that outlives no one: stopped by us, or by a guard when we are gone. */
export class OwnedProcess {
  readonly pid: number
  /** Settles when the process has ended, whatever the reason; never rejects. */
  readonly exited: Promise<Exit>
  readonly logFile: string
  /** Where in the log file its own lines begin. */
  readonly logStart: number

  private constructor(pid: number, exited: Promise<Exit>, logFile: string, logStart: number) {
    this.pid = pid
    this.exited = exited
    this.logFile = logFile
    this.logStart = logStart
  }

  /** @throws the spawn error (ENOENT, ...) */
  static async launch(options: LaunchOptions): Promise<OwnedProcess> {
    const log = openSync(options.logFile, 'a')
    const logStart = fstatSync(log).size
    try {
      const child = spawn(options.command, options.args, {
        env: options.env ?? process.env,
        // A process group of its own: a terminal's Ctrl-C reaches only us, and we stop things in order.
        detached: true,
        stdio: ['ignore', log, log],
      })
      const exited = new Promise<Exit>((resolve) => {
        child.once('exit', (code, signal) => resolve({ code, signal }))
      })
      await new Promise<void>((resolve, reject) => {
        child.once('spawn', resolve)
        child.once('error', reject)
      })
      const pid = child.pid!
      const guard = onOrphaned(options.whenOrphaned, String(pid))
      writeFileSync(options.pidFile, identityOf(pid) ?? '')
      const ended = exited.then((exit) => {
        guard.release()
        rmSync(options.pidFile, { force: true })
        return exit
      })
      return new OwnedProcess(pid, ended, options.logFile, logStart)
    } finally {
      closeSync(log)
    }
  }

  /** Sends a signal; one that has ended already takes none. */
  signal(signal: NodeJS.Signals): void {
    try {
      process.kill(this.pid, signal)
    } catch {
      // Ended.
    }
  }

  /** Asks it to stop, also when it is paused, and kills it once `graceMs` are over. */
  async stop(graceMs: number): Promise<Exit> {
    this.signal('SIGTERM')
    this.signal('SIGCONT')
    const late = new AbortController()
    const deadline = sleep(graceMs, undefined, { signal: late.signal }).then(
      () => this.signal('SIGKILL'),
      () => {},
    )
    const exit = await this.exited
    late.abort()
    await deadline
    return exit
  }

  async kill(): Promise<Exit> {
    this.signal('SIGKILL')
    return this.exited
  }
}
