import { ok, problem, type Verdict, warning } from './finding.ts'

/** Clocks kept by NTP differ by less, ms. */
const USUAL_MS = 5_000
const FIX = 'Keep the clocks of both by NTP (chrony, systemd-timesyncd).'

/**
 * @param whose clock was read, such as `the controller's`
 * @param limit where a difference breaks something, ms, and what
 */
export function clockVerdict(
  whose: string,
  aheadMs: number,
  uncertaintyMs: number,
  limit: { readonly ms: number; readonly breaks: string },
  subject?: string,
): Verdict {
  const away = Math.abs(aheadMs)
  const side = aheadMs > 0 ? 'ahead of' : 'behind'
  const seen =
    away <= uncertaintyMs
      ? `${whose} clock is this machine's, to ${span(uncertaintyMs)}`
      : `${whose} clock is ${span(away)} ${side} this machine's, give or take ${span(uncertaintyMs)}`
  if (away - uncertaintyMs > limit.ms) return problem(`${seen}: ${limit.breaks}`, FIX, subject)
  if (away - uncertaintyMs > USUAL_MS) return warning(seen, FIX, subject)
  return ok(seen, subject)
}

function span(ms: number): string {
  return ms < 1_000 ? `${Math.max(1, Math.round(ms))} ms` : `${(ms / 1_000).toFixed(1)} s`
}
