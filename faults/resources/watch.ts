import { setTimeout as pause } from 'node:timers/promises'
import type { GatewayProcess } from '../stage/gateways.ts'
import type { Series } from './judge-series.ts'
import { openMetrics, type Sample, sampleOf } from './sample.ts'

/** Samples of a run, about so many whatever its length. */
const SAMPLES = 180
const EVERY_MS = [1_000, 10_000] as const
/** How long a gateway may take to notice that its last client is gone: two pings, and some more, ms. */
const GONE_MS = 50_000

/** Looks at the gateways' processes through a whole run; one that was started again is another. */
export class ResourceWatch {
  readonly #gateways: readonly GatewayProcess[]
  readonly #series = new Map<string, Sample[]>()
  readonly #since = new Map<string, number>()
  readonly #over = new AbortController()
  readonly #running: Promise<void>

  constructor(gateways: readonly GatewayProcess[], seconds: number) {
    this.#gateways = gateways
    const everyMs = Math.min(EVERY_MS[1], Math.max(EVERY_MS[0], (seconds * 1_000) / SAMPLES))
    this.#running = this.#watch(everyMs)
  }

  async stop(): Promise<Series[]> {
    this.#over.abort()
    await this.#running
    return [...this.#series].map(([name, samples]) => ({ name, samples }))
  }

  async #watch(everyMs: number): Promise<void> {
    while (!this.#over.signal.aborted) {
      await Promise.all(this.#gateways.map((gateway) => this.#take(gateway)))
      await pause(everyMs, undefined, { signal: this.#over.signal }).catch(() => {})
    }
  }

  async #take(gateway: GatewayProcess): Promise<void> {
    const { pid } = gateway
    if (pid === undefined) return
    const name = `${gateway.name} (${pid})`
    const since = this.#since.get(name) ?? performance.now()
    this.#since.set(name, since)
    const sample = await sampleOf(pid, gateway.metricsUrl, since)
    if (sample === undefined) return
    const own = this.#series.get(name)
    if (own === undefined) this.#series.set(name, [sample])
    else own.push(sample)
  }
}

/** Waits until gateways whose clients are all gone hold nothing of theirs any more. A sentence for each that does. */
export async function leftOpen(gateways: readonly GatewayProcess[]): Promise<string[]> {
  const deadline = performance.now() + GONE_MS
  for (;;) {
    const found = await Promise.all(gateways.map(openOf))
    if (found.every((sentences) => sentences.length === 0) || performance.now() > deadline)
      return found.flat()
    await pause(500)
  }
}

async function openOf({ pid, name, metricsUrl }: GatewayProcess): Promise<string[]> {
  const sample = pid === undefined ? undefined : await sampleOf(pid, metricsUrl, performance.now())
  if (sample?.open === undefined) return [`handles: ${name} does not say what it holds`]
  const { open } = sample
  return openMetrics.flatMap((metric) =>
    open[metric] === 0 ? [] : [`handles: ${name} holds ${metric} ${open[metric]} when every client is gone`],
  )
}
