import type { z } from 'zod'
import { reasonFor } from '../problems/schema-reasons.ts'

/** A file of keys or rules that can't be used. Each line says where, and what was expected. */
export class FileError extends Error {
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.name = 'FileError'
    this.problems = problems
  }
}

/**
 * What a file holds, checked by a schema. `whole` is what to call all of it.
 * @throws FileError
 */
export function checkContents<S extends z.ZodType>(schema: S, contents: unknown, whole: string): z.output<S> {
  const result = schema.safeParse(contents, { error: reasonFor })
  if (result.success) return result.data
  throw new FileError(
    result.error.issues.map(({ path, message }) => `${path.join('.') || whole}: ${message}`),
  )
}
