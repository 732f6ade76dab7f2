import type { Sample } from './sample.ts'
import { median } from '../../bench/harness/statistics.ts'
import { theilSenSlope } from './theil-sen.ts'

/** The samples of one process, from its start or restart on. */
export interface Series {
  readonly name: string
  readonly samples: readonly Sample[]
}

type Measure = 'rssMb' | 'oldSpaceMb' | 'externalMb' | 'fds' | 'handles'

/**
 * How far each may rise: by so much a minute, over the whole time that is looked at. A leak does both: it has a slope, and
 * in the last third of the time there is more than in the first, by more than noise.
 */
const limits: Readonly<Record<Measure, { readonly perMinute: number; readonly least: number }>> = {
  rssMb: { perMinute: 1, least: 16 },
  oldSpaceMb: { perMinute: 1, least: 8 },
  externalMb: { perMinute: 1, least: 8 },
  fds: { perMinute: 1, least: 10 },
  handles: { perMinute: 1, least: 10 },
}
/** A rise of the last third over the first that is taken for noise, of the first. */
const NOISE = 0.1
/** Caches fill and code is compiled: left out of every series, the longer of the two. */
const WARM_UP_MS = 60_000
const WARM_UP_PART = 0.2
/**
 * Shorter series, behind their warm-up, say nothing of slopes: a gateway that has come back has more and more clients for
 * minutes, as these leave the other one.
 */
const LEAST_MS = 600_000
const LEAST_SAMPLES = 18

/** One line of the table of resources. */
export interface ResourceRow {
  readonly process: string
  readonly minutes: number
  readonly samples: number
  readonly rssMb: string
  readonly rssPerMinute: string
  readonly oldSpaceMb: string
  readonly oldSpacePerMinute: string
  readonly fds: string
  readonly fdsPerMinute: string
  readonly handles: string
  readonly verdict: string
}

/** What a process may have of memory at any time where nothing else is said, MB: twice what a busy one has. */
export const MOST_RSS_MB = 512

/** Whether a process took more and more of something. `maxRssMb` is a bound on its memory at any time. */
export function judgeSeries(
  { name, samples }: Series,
  maxRssMb = MOST_RSS_MB,
): { readonly row: ResourceRow; readonly broken: readonly string[] } {
  const lengthMs = samples.at(-1)?.at ?? 0
  const warmUpMs = Math.max(WARM_UP_MS, lengthMs * WARM_UP_PART)
  const steady = samples.filter(({ at }) => at >= warmUpMs)
  const isLong = lengthMs - warmUpMs >= LEAST_MS && steady.length >= LEAST_SAMPLES
  const broken = isLong
    ? Object.keys(limits).flatMap((measure) => rise(name, measure as Measure, steady))
    : []
  const most = Math.max(...samples.map(({ rssMb }) => rssMb))
  if (most > maxRssMb) {
    broken.push(`memory: ${name} had ${Math.round(most)} MB, more than ${Math.round(maxRssMb)}`)
  }
  const looked = isLong ? steady : samples
  const slope = (measure: Measure) => (isLong ? rounded(slopeOf(pointsOf(looked, measure))) : '')
  const row: ResourceRow = {
    process: name,
    minutes: Math.round(lengthMs / 6_000) / 10,
    samples: samples.length,
    rssMb: thirds(looked, 'rssMb'),
    rssPerMinute: slope('rssMb'),
    oldSpaceMb: thirds(looked, 'oldSpaceMb'),
    oldSpacePerMinute: slope('oldSpaceMb'),
    fds: thirds(looked, 'fds'),
    fdsPerMinute: slope('fds'),
    handles: thirds(looked, 'handles'),
    verdict: broken.length > 0 ? 'grows' : isLong ? 'steady' : 'too short for slopes',
  }
  return { row, broken }
}

function rise(name: string, measure: Measure, samples: readonly Sample[]): string[] {
  const points = pointsOf(samples, measure)
  if (points.length < LEAST_SAMPLES) return []
  const { perMinute, least } = limits[measure]
  const slope = slopeOf(points)
  const [first, last] = [third(points, 0), third(points, 2)]
  if (slope <= perMinute || last - first <= Math.max(least, first * NOISE)) return []
  const from = `${rounded(first)} in the first third to ${rounded(last)} in the last`
  return [`memory: ${measure} of ${name} rises by ${rounded(slope)} a minute, from ${from}`]
}

function pointsOf(samples: readonly Sample[], measure: Measure): [number, number][] {
  return samples.flatMap((sample) => {
    const value = sample[measure]
    return value === undefined || Number.isNaN(value) ? [] : [[sample.at, value]]
  })
}

/** By the minute. */
function slopeOf(points: readonly (readonly [number, number])[]): number {
  return theilSenSlope(points) * 60_000
}

function third(points: readonly (readonly [number, number])[], n: 0 | 1 | 2): number {
  const size = points.length / 3
  return median(points.slice(Math.floor(n * size), Math.floor((n + 1) * size)).map(([, y]) => y))
}

function thirds(samples: readonly Sample[], measure: Measure): string {
  const points = pointsOf(samples, measure)
  if (points.length < 3) return ''
  const most = points.reduce((max, [, y]) => Math.max(max, y), 0)
  return `${rounded(third(points, 0))} → ${rounded(third(points, 2))}, most ${rounded(most)}`
}

function rounded(value: number): string {
  return String(Math.abs(value) < 10 ? Math.round(value * 100) / 100 : Math.round(value))
}
