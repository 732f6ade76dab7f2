import { z } from '@hono/zod-openapi'
import {
  END_POSITION_FORMS,
  type EndPosition,
  parseEndPosition,
  parseStartPosition,
  START_POSITION_FORMS,
  type StartPosition,
} from '../records/start-position.ts'

/** A whole number in plain digits; anything past its limits is refused, never clamped. */
export function whole(minimum: number, maximum: number) {
  const error = `expected a whole number from ${minimum} to ${maximum}`
  return z
    .string()
    .regex(/^\d{1,16}$/, error)
    .transform(Number)
    .pipe(z.number().min(minimum, error).max(maximum, error))
    .openapi({ type: 'integer', minimum, maximum, pattern: undefined })
}

const times =
  '\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|1\\d|2[0-8])T([01]\\d|2[0-3]):[0-5]\\d(:[0-5]\\d(\\.\\d{1,9})?)?(Z|[+-](0\\d|1[0-3]):[0-5]\\d)'
/** For the reader and for generators of requests; parseStartPosition and parseEndPosition decide. */
export const fromPattern = `^(earliest|latest|-[1-9]\\d{0,14}|\\d{1,15}|@\\d{1,15}|${times})$`
export const untilPattern = `^(latest|\\d{1,15}|@\\d{1,15}|${times})$`

/** A place in a partition, as text. */
function place<T>(parse: (text: string) => T | undefined, forms: string) {
  return z.string().transform((text, context): T => {
    // A query string's `+` is a space: the zone of a time that was not percent-encoded.
    const found = parse(text.replace(/ (\d\d:\d\d)$/, '+$1'))
    if (found !== undefined) return found
    context.addIssue({ code: 'custom', message: forms })
    return z.NEVER
  })
}

export const From = place<StartPosition>(parseStartPosition, START_POSITION_FORMS)
export const Until = place<EndPosition>(parseEndPosition, END_POSITION_FORMS)

/** `true` or `false`; false where left out. */
export function flag(description: string) {
  return z
    .enum(['true', 'false'], { error: 'expected true or false' })
    .default('false')
    .transform((text) => text === 'true')
    .openapi({ type: 'boolean', enum: undefined, default: false, description })
}
