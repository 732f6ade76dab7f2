import { z } from 'zod'
import { scramMechanisms } from '../../kafka/admin/users/scram.ts'
import { Problem } from '../../problems/problem.ts'
import type { AppContext } from '../route.ts'

/** Characters; Kafka has no bound of its own. */
const MAX_USER_LENGTH = 255

export const UserName = z
  .string()
  .min(1)
  .max(MAX_USER_LENGTH)
  .meta({ description: 'As `User:NAME` names it in ACLs, without the `User:`.', example: 'alice' })

export const Mechanism = z.enum(scramMechanisms)

export const User = z
  .strictObject({
    user: UserName,
    credentials: z
      .array(z.strictObject({ mechanism: Mechanism, iterations: z.int() }))
      .describe('By mechanism. Passwords are told to nobody, not even by Kafka.'),
  })
  .meta({
    id: 'User',
    example: { user: 'alice', credentials: [{ mechanism: 'SCRAM-SHA-512', iterations: 4_096 }] },
  })

/** The `{user}` of the path, percent-decoded once. @throws Problem invalid_parameter */
export function userParam(c: AppContext): string {
  const user = c.req.param('user') ?? ''
  if (UserName.safeParse(user).success) return user
  const reason = `expected 1 to ${MAX_USER_LENGTH} characters`
  throw new Problem('invalid_parameter', {
    detail: `user: ${reason}.`,
    errors: [{ parameter: 'user', reason }],
  })
}
