import { readdirSync } from 'node:fs'
import { usageOf } from '../../bench/harness/process-usage.ts'

/** What a gateway's process has at one moment. Undefined is what could not be learnt. */
export interface Sample {
  /** Ms since the process was first looked at. */
  readonly at: number
  readonly rssMb: number
  /** Open files, sockets and all. */
  readonly fds: number
  /** What outlived a few collections: of all of the heap the part in which a leak gathers. */
  readonly oldSpaceMb: number | undefined
  readonly externalMb: number | undefined
  readonly handles: number | undefined
  /** What the gateway itself says is open, by the names of its metrics. */
  readonly open: Readonly<Record<OpenMetric, number>> | undefined
}

/** What must be nothing once every client has gone. */
export const openMetrics = [
  'sluice_http_connections',
  'sluice_streams',
  'sluice_group_members',
  'sluice_produce_buffer_bytes',
] as const
export type OpenMetric = (typeof openMetrics)[number]

const MB = 1_048_576
const ANSWER_MS = 2_000

/** Undefined where the process is gone. A process that stands still has no metrics. */
export async function sampleOf(pid: number, metricsUrl: string, since: number): Promise<Sample | undefined> {
  const usage = usageOf(pid)
  const fds = countFds(pid)
  if (usage === undefined || fds === undefined) return undefined
  const text = await metricsOf(metricsUrl)
  const at = performance.now() - since
  const rssMb = usage.rssMb
  if (text === undefined) {
    return {
      ...{ at, rssMb, fds },
      oldSpaceMb: undefined,
      externalMb: undefined,
      handles: undefined,
      open: undefined,
    }
  }
  const open = Object.fromEntries(openMetrics.map((name) => [name, sum(text, name) ?? 0]))
  const bytes = (name: string) => (sum(text, name) ?? Number.NaN) / MB
  return {
    ...{ at, rssMb, fds },
    oldSpaceMb: bytes('sluice_nodejs_heap_space_size_used_bytes{space="old"}'),
    externalMb: bytes('sluice_nodejs_external_memory_bytes'),
    handles: sum(text, 'sluice_nodejs_active_resources_total'),
    open: open as Record<OpenMetric, number>,
  }
}

/** One number of a gateway's metrics, of all series that begin so; undefined where it says nothing. */
export async function metricOf(url: string, name: string): Promise<number | undefined> {
  const text = await metricsOf(url)
  return text === undefined ? undefined : sum(text, name)
}

async function metricsOf(url: string): Promise<string | undefined> {
  try {
    const response = await fetch(url, {
      headers: { connection: 'close' },
      signal: AbortSignal.timeout(ANSWER_MS),
    })
    return response.ok ? await response.text() : undefined
  } catch {
    return undefined
  }
}

/** Of all series of a metric, or of those that begin so. */
function sum(text: string, name: string): number | undefined {
  const lines = text
    .split('\n')
    .filter((line) => line.startsWith(name) && /[ {]/.test(line.charAt(name.length)))
  return lines.length === 0
    ? undefined
    : lines.reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
}

function countFds(pid: number): number | undefined {
  try {
    return readdirSync(`/proc/${pid}/fd`).length
  } catch {
    return undefined
  }
}
