import { createInterface } from 'node:readline/promises'
import { CommandError, exitCodes, UsageError } from './errors.ts'

/**
 * Has what destroys confirmed: on a terminal by `y`, anywhere else by --yes alone, so that no script waits for an answer.
 * @param what a question without its mark: `Delete orders with about 1,204 records`
 * @throws UsageError where nobody can be asked
 * @throws CommandError where the answer is no
 */
export async function confirm(what: string, { yes }: { readonly yes?: boolean | undefined }): Promise<void> {
  if (yes === true) return
  if (process.stdin.isTTY !== true || process.stderr.isTTY !== true) {
    throw new UsageError('this needs --yes where nobody can be asked', '--dry-run says what it would do.')
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const answer = await terminal
    .question(`${what}? [y/N] `)
    .catch(() => '')
    .finally(() => terminal.close())
  if (!/^y(es)?$/i.test(answer.trim())) throw new CommandError(exitCodes.failed, 'nothing was changed')
}
