import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { runningPid } from './process-identity.ts'

const GRACE_MS = 20_000

/** Where the identity of a folder's broker is kept while it runs. */
export function pidFileOf(dir: string): string {
  return join(dir, 'kafka.pid')
}

/** Stops a broker of `dir` that outlived the process that started it: it holds the data and the port. */
export async function stopEarlierBroker(dir: string): Promise<void> {
  const pidFile = pidFileOf(dir)
  if (!existsSync(pidFile)) return
  const identity = readFileSync(pidFile, 'utf8')
  const killAt = performance.now() + GRACE_MS
  for (let pid = runningPid(identity); pid !== undefined; pid = runningPid(identity)) {
    process.kill(pid, performance.now() < killAt ? 'SIGTERM' : 'SIGKILL')
    await sleep(200)
  }
}
