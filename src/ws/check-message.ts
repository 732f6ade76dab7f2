import type { z } from 'zod'
import { Problem, type ProblemPart } from '../problems/problem.ts'
import { toPointer } from '../routes/route.ts'
import { reasonFor } from '../problems/schema-reasons.ts'

/** What an error frame repeats of a message, which may be a thousand times as long. */
const MAX_ERRORS = 10
const MAX_POINTER = 100

/** A message that has been parsed, checked by its schema. @throws Problem invalid_request */
export function checkMessage<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value, { error: reasonFor })
  if (result.success) return result.data
  const errors = result.error.issues.slice(0, MAX_ERRORS).map((issue): ProblemPart => {
    const path = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0]!] : issue.path
    const reason = issue.code === 'unrecognized_keys' ? 'no such member' : issue.message
    return { pointer: toPointer(path).slice(0, MAX_POINTER), reason }
  })
  const [first] = errors
  throw new Problem('invalid_request', { errors, detail: `${first?.pointer}: ${first?.reason}.` })
}
