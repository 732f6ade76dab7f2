import { parseStartPosition } from '../records/start-position.ts'
import { UsageError } from './errors.ts'

const unitMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}
/** Kafka's console tools and kcat have names of their own. */
const synonyms: Readonly<Record<string, string>> = {
  beginning: 'earliest',
  start: 'earliest',
  end: 'latest',
  now: 'latest',
}

const FORMS =
  'Write it as earliest, latest, an offset, -10 (the last ten of each partition), 2026-11-25, 2026-11-25T18:00, or "2h ago".'

/**
 * A position in a topic as the gateway takes it, from how people write it: also `2h ago`, `yesterday`, and times of this
 * machine's zone.
 * @param option names it where it is none
 * @param now milliseconds since the epoch
 * @throws UsageError
 */
export function position(text: string, option: string, now = Date.now()): string {
  const word = text.trim().toLowerCase()
  const known = synonyms[word] ?? word
  if (parseStartPosition(known) !== undefined) return known
  const time = timeOf(word, now)
  if (time === undefined) throw new UsageError(`${option} ${text} is no position`, FORMS)
  return `@${Math.max(0, Math.floor(time))}`
}

/** Milliseconds since the epoch; undefined where it is no time. */
function timeOf(text: string, now: number): number | undefined {
  const ago = /^(\d+(?:\.\d+)?)\s*([a-z]+)(\s+ago)?$/.exec(text)
  const unit = ago && unitMs[shortUnit(ago[2]!)]
  if (ago !== null && unit !== undefined && unit !== null) return now - Number(ago[1]) * unit
  if (text === 'today' || text === 'yesterday') {
    const midnight = new Date(now)
    midnight.setHours(0, 0, 0, 0)
    if (text === 'yesterday') midnight.setDate(midnight.getDate() - 1)
    return midnight.getTime()
  }
  // kcat: from a time on, until a time.
  const kcat = /^[se]?@(\d{1,15})$/.exec(text)
  if (kcat !== null) return Number(kcat[1])
  const local =
    /^(\d{4}-\d{2}-\d{2})(?:[t ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?))?(z|[+-]\d{2}:\d{2})?$/.exec(text)
  if (local === null) return undefined
  // With a time and no zone, a Date is of this machine's zone; a date alone it would take for one of UTC.
  const time = Date.parse(`${local[1]}T${local[2] ?? '00:00'}${(local[3] ?? '').toUpperCase()}`)
  return Number.isNaN(time) ? undefined : time
}

function shortUnit(unit: string): string {
  const long: Readonly<Record<string, string>> = {
    sec: 's',
    second: 's',
    min: 'm',
    minute: 'm',
    hour: 'h',
    hr: 'h',
    day: 'd',
    week: 'w',
  }
  const one = unit.length > 2 ? unit.replace(/s$/, '') : unit
  return long[one] ?? one
}
