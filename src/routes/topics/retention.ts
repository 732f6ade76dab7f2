import { z } from 'zod'

const unitMs = { ms: 1n, s: 1_000n, m: 60_000n, h: 3_600_000n, d: 86_400_000n, w: 604_800_000n } as const

/** Ten digits of weeks still fit the 64 bits of `retention.ms`. */
const pattern = /^(?:unlimited|[1-9]\d{0,9}(?:ms|s|m|h|d|w))$/

/** How long records are kept, in words: `7d`, `90s`, `unlimited`. */
export const Retention = z
  .string()
  .regex(pattern, 'expected a duration such as 90s, 12h or 7d (units ms, s, m, h, d, w), or unlimited')
  .meta({
    description:
      'How long records are kept: a number with a unit (`ms`, `s`, `m`, `h`, `d`, `w`) or `unlimited`. Sets `retention.ms`.',
    example: '7d',
  })

/** The value of `retention.ms` for a text that Retention has accepted: milliseconds, -1 for ever. */
export function toRetentionMs(text: string): string {
  if (text === 'unlimited') return '-1'
  const [, count = '', unit = ''] = /^(\d+)(\D+)$/.exec(text) ?? []
  return String(BigInt(count) * unitMs[unit as keyof typeof unitMs])
}
