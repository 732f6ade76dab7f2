import { z } from 'zod'

/** Environment values are text: a number is accepted only when written as plain digits. */
export function integer(min: number, max: number) {
  return z
    .string()
    .regex(/^\d{1,15}$/, `an integer from ${min} to ${max}`)
    .transform(Number)
    .pipe(
      z.number().min(min, `an integer from ${min} to ${max}`).max(max, `an integer from ${min} to ${max}`),
    )
}

export const flag = z.enum(['true', 'false'], { error: 'true or false' }).transform((v) => v === 'true')
export const file = z.string().min(1, 'the path of a file')
/** Separated by commas. */
export const list = z
  .string()
  .default('')
  .transform((text) =>
    text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== ''),
  )
