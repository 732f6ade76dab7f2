import { CommandError, exitCodes, GatewayError } from './errors.ts'
import { hintFor } from './hints.ts'

/**
 * What to throw where one of several things failed: the error itself where nothing was done before, else one that
 * says what was.
 * @param verb what was done to them, such as `deleted`
 */
export function partly(verb: string, done: readonly string[], error: unknown): unknown {
  if (done.length === 0 || !(error instanceof CommandError)) return error
  const hint = error.hint ?? (error instanceof GatewayError ? hintFor(error.problem) : undefined)
  return new CommandError(exitCodes.partly, `${verb} ${done.join(', ')}, then: ${error.message}`, { hint })
}
