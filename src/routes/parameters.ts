import { z } from '@hono/zod-openapi'

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

/** `true` or `false`; false where left out. */
export function flag(description: string) {
  return z
    .enum(['true', 'false'], { error: 'expected true or false' })
    .default('false')
    .transform((text) => text === 'true')
    .openapi({ type: 'boolean', enum: undefined, default: false, description })
}
