import type { X509Certificate } from 'node:crypto'
import { counted, ok, problem, type Verdict, warning } from './finding.ts'

const DAY_MS = 86_400_000
/** What ends sooner than this is to be renewed now. */
export const RENEW_MS = 30 * DAY_MS

/** The first to end. */
export function firstToEnd(certificates: readonly X509Certificate[]): Date {
  return new Date(Math.min(...certificates.map(({ validTo }) => Date.parse(validTo))))
}

export function dateText(date: Date): string {
  return date.toISOString().slice(0, 10)
}

/**
 * @param what what ends then, such as `the certificate`
 * @param subject as in a verdict
 * @param seen said where it is fine
 */
export function endVerdict(
  what: string,
  validTo: Date,
  renew: string,
  { subject, seen = `${what} is valid until ${dateText(validTo)}` }: { subject?: string; seen?: string } = {},
): Verdict {
  const left = validTo.getTime() - Date.now()
  if (left <= 0) return problem(`${what} has expired (${dateText(validTo)})`, renew, subject)
  if (left < RENEW_MS) {
    const days = Math.floor(left / DAY_MS)
    return warning(`${seen}; ${what} ends in ${counted(days, 'day')}`, renew, subject)
  }
  return ok(seen, subject)
}
