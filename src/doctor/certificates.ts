import { X509Certificate } from 'node:crypto'
import { ok, problem, type Verdict, warning } from './finding.ts'

const DAY_MS = 86_400_000
/** What ends sooner than this is to be renewed now. */
export const RENEW_MS = 30 * DAY_MS

/** The certificates in a PEM file, in its order. @throws Error where one is none, or there is none */
export function certificatesIn(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g)
  return blocks === null ? [new X509Certificate(pem)] : blocks.map((block) => new X509Certificate(block))
}

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
    return warning(`${seen}; ${what} ends in ${days} day${days === 1 ? '' : 's'}`, renew, subject)
  }
  return ok(seen, subject)
}
