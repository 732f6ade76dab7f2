import { existsSync } from 'node:fs'
import { get } from 'node:http'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { GATEWAY_FLAGS } from '../../dev/gateway-flags.ts'
import { Child } from './child.ts'
import { usageOf } from './process-usage.ts'

const START_MS = 30_000
/** How often a gateway that listens is asked whether it is ready, ms. */
const POLL_MS = 5

/** The checkout that this file is in. */
export const checkout = resolve(import.meta.dirname, '../..')

/** A gateway in a process of its own, as it runs in production. */
export interface GatewayProcess {
  readonly url: string
  readonly pid: number
  /** From starting the process to its first 200 on /readyz. */
  readonly readyMs: number
  /** What of that it was on a processor. */
  readonly readyCpuMs: number | undefined
  stop(): Promise<void>
}

/**
 * Starts the gateway of a checkout on a free port, and waits until it is ready.
 * @throws where it ends, or is not ready in time
 */
export async function startGateway(brokers: string, root = checkout): Promise<GatewayProcess> {
  // Settings of the shell that runs the benchmark would make it another benchmark.
  const inherited = Object.entries(process.env).filter(([name]) => !/^(SLUICE|KAFKA)_/.test(name))
  const env = { ...Object.fromEntries(inherited), SLUICE_PORT: '0', KAFKA_BROKERS: brokers }
  const began = performance.now()
  // As the container starts it; checkouts of before there were other commands take no notice of the word.
  const child = new Child(entryOf(root), ['serve'], {
    cwd: root,
    env,
    execArgv: [...GATEWAY_FLAGS],
  })
  try {
    const url = await child.line(listeningUrl, START_MS)
    while (!(await isReady(url))) {
      if (performance.now() - began > START_MS) throw new Error(`the gateway was not ready in ${START_MS} ms`)
      await sleep(POLL_MS)
    }
    const readyMs = performance.now() - began
    const { pid } = child
    return { url, pid, readyMs, readyCpuMs: usageOf(pid)?.cpuMs, stop: () => child.stop() }
  } catch (error) {
    child.kill()
    throw error
  }
}

/** What starts the gateway of a checkout; those of before there was bin/ have the process itself. */
function entryOf(root: string): string {
  return existsSync(resolve(root, 'bin/sluice.mjs')) ? 'bin/sluice.mjs' : 'src/main.ts'
}

/** The URL in the log line with which the gateway says that it listens. */
function listeningUrl(line: string): string | undefined {
  if (!line.includes('"listening"')) return undefined
  return (JSON.parse(line) as { url?: string }).url
}

export function isReady(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(`${url}/readyz`, { agent: false, timeout: 5_000 }, (response) => {
      response.resume()
      response.once('close', () => resolve(response.statusCode === 200))
    })
    request.once('timeout', () => request.destroy())
    request.once('error', () => resolve(false))
  })
}
