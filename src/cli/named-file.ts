import { FileError } from '../auth/file-error.ts'
import { CommandError, exitCodes, UsageError } from './errors.ts'

/**
 * The path of a file of the gateway's: as given, else as the gateway itself is told.
 * @param what what is in it, such as `keys`
 * @throws UsageError where nothing says
 */
export function namedFile(given: string | undefined, variable: string, what: string): string {
  const path = given ?? process.env[variable]
  if (path !== undefined && path !== '') return path
  throw new UsageError(`no file of ${what} is named`, `Give --file, or set ${variable} as for the gateway.`)
}

/** Why a file can't be used. */
export function unusable(path: string, error: unknown): CommandError {
  const reason = error instanceof FileError ? error.problems.join('; ') : 'it can not be read'
  return new CommandError(exitCodes.failed, `${path}: ${reason}`)
}
