import type { CheckName } from './checks.ts'

/**
 * How a check ended. A problem keeps the gateway from starting, or from doing what it is configured for; with a warning it
 * works, and promises less than it could. What could not be seen is no verdict.
 */
export const statuses = ['ok', 'warning', 'problem', 'skipped'] as const
export type Status = (typeof statuses)[number]

/** What one check saw. */
export interface Verdict {
  readonly status: Status
  /** What of several things it is about: a setting, a file, an address, a broker. */
  readonly subject?: string
  /** One line, without any secret. */
  readonly seen: string
  /** What to do about it, a sentence: of all but what is ok. */
  readonly fix?: string
}

/** What a check says. */
export type Verdicts = Verdict | readonly Verdict[]

export interface Finding extends Verdict {
  readonly check: CheckName
}

export function ok(seen: string, subject?: string): Verdict {
  return { status: 'ok', ...(subject !== undefined && { subject }), seen }
}

export function warning(seen: string, fix: string, subject?: string): Verdict {
  return { status: 'warning', ...(subject !== undefined && { subject }), seen, fix }
}

export function problem(seen: string, fix: string, subject?: string): Verdict {
  return { status: 'problem', ...(subject !== undefined && { subject }), seen, fix }
}

/** @param fix what to do so that it can be seen, where there is something */
export function skipped(seen: string, fix?: string, subject?: string): Verdict {
  return {
    status: 'skipped',
    ...(subject !== undefined && { subject }),
    seen,
    ...(fix !== undefined && { fix }),
  }
}

/** `1 broker`, `3 brokers`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

/** Names of a list that are told; the rest are counted. */
const MOST_NAMES = 5

/** `a, b, c and 4 more`. */
export function listed(names: readonly string[]): string {
  if (names.length <= MOST_NAMES) return names.join(', ')
  return `${names.slice(0, MOST_NAMES).join(', ')} and ${names.length - MOST_NAMES} more`
}
