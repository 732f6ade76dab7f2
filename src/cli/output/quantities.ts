import { UsageError } from '../errors.ts'

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const

/** Bytes for people: `1.4 GiB`. */
export function bytesText(bytes: number | null | undefined): string | undefined {
  if (bytes === null || bytes === undefined) return undefined
  let value = bytes
  let unit = 0
  for (; Math.abs(value) >= 1024 && unit < units.length - 1; unit++) value /= 1024
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`
}

/** A count for people, its thousands apart: `1,204,318`. */
export function countText(count: number): string {
  return count.toLocaleString('en-US')
}

/** `1 record`, `2 records`. */
export function plural(count: number, noun: string): string {
  return `${countText(count)} ${noun}${count === 1 ? '' : 's'}`
}

/** Milliseconds for people, in their two largest units: `3d 4h`. */
export function durationText(ms: number | null | undefined): string | undefined {
  if (ms === null || ms === undefined) return undefined
  if (ms < 1000) return `${Math.round(ms)}ms`
  const parts: [number, string][] = [
    [Math.floor(ms / 86_400_000), 'd'],
    [Math.floor(ms / 3_600_000) % 24, 'h'],
    [Math.floor(ms / 60_000) % 60, 'm'],
    [Math.floor(ms / 1000) % 60, 's'],
  ]
  const first = parts.findIndex(([n]) => n > 0)
  return parts
    .slice(first, first + 2)
    .filter(([n]) => n > 0)
    .map(([n, unit]) => `${n}${unit}`)
    .join(' ')
}

const factors: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  m: 1e6,
  g: 1e9,
  t: 1e12,
  ki: 1024,
  mi: 1024 ** 2,
  gi: 1024 ** 3,
  ti: 1024 ** 4,
}

/**
 * Bytes as people write them: `500`, `10MB`, `64KiB`.
 * @throws UsageError
 */
export function parseBytes(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?i?)b?$/i.exec(text)
  const factor = factors[match?.[2]?.toLowerCase() ?? '?']
  if (match === null || factor === undefined)
    throw new UsageError(`${text} is no size`, 'Write it as 500, 10MB or 64KiB.')
  return Math.round(Number(match[1]) * factor)
}

/**
 * A whole number of at least `min`.
 * @throws UsageError
 */
export function parseCount(text: string, what: string, min = 0): number {
  const value = Number(text)
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(value) || value < min)
    throw new UsageError(
      `${what} is to be a whole number${min > 0 ? ` of at least ${min}` : ''}, not ${text}`,
    )
  return value
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/**
 * Milliseconds as people write them: `500ms`, `10m`, `2h`.
 * @throws UsageError
 */
export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text)
  if (match === null) throw new UsageError(`${text} is no time`, 'Write it as 500ms, 30s, 10m, 2h or 7d.')
  return Math.round(Number(match[1]) * unitMs[match[2]!]!)
}
