import { type Command, CommanderError } from 'commander'
import { CommandError, exitCodes, GatewayError, OutputClosed } from './errors.ts'
import { hasWritten, write } from './output/stdout.ts'
import { styleOf } from './output/style.ts'
import { printable } from './output/table.ts'
import { makeProgram } from './program.ts'

/** Runs the command line and ends the process. */
async function main(words: readonly string[]): Promise<never> {
  let program: Command | undefined
  try {
    program = await makeProgram(words)
    if (words.length === 0) program.outputHelp()
    else await program.parseAsync(words, { from: 'user' })
    process.exit(process.exitCode ?? exitCodes.ok)
  } catch (error) {
    if (error instanceof GatewayError && program?.opts().json === true) await printProblem(error, program)
    process.exit(await report(error))
  }
}

/** Commands that print a record a line, where a problem would be taken for one. */
const printsRecords: readonly string[] = ['consume', 'export']

/** For programs, all that the gateway said: as JSON, unless a document has been printed before. */
async function printProblem({ problem }: GatewayError, program: Command): Promise<void> {
  if (hasWritten() || printsRecords.includes(program.args[0] ?? '')) return
  await write(`${JSON.stringify(problem, null, 2)}\n`).catch(() => {
    // Nobody reads it; the line on standard error and the exit code still say it.
  })
}

/** Says in one line what went wrong and what to do next; answers the exit code. */
async function report(error: unknown): Promise<number> {
  // Nobody reads on, which is how `| head` ends: not a fault of ours.
  if (error instanceof OutputClosed) return exitCodes.ok
  if (error instanceof CommanderError) return reportUsage(error)
  if (error instanceof GatewayError) {
    const { hintFor } = await import('./hints.ts')
    return say(error.message, error.exitCode, error.hint ?? hintFor(error.problem))
  }
  if (error instanceof CommandError) return say(error.message, error.exitCode, error.hint)
  process.stderr.write(
    `sluice: a mistake in this command: ${error instanceof Error ? error.stack : String(error)}\n`,
  )
  return exitCodes.failed
}

function reportUsage(error: CommanderError): number {
  // Help and the version end this way too.
  if (error.exitCode === 0) return exitCodes.ok
  const [message, ...suggestion] = error.message.replace(/^error: /, '').split('\n')
  // Of a command that has subcommands and was given none, its help has been printed.
  if (error.code === 'commander.help') return exitCodes.usage
  return say([message, ...suggestion].join(' '), exitCodes.usage, 'Add --help to see what it takes.')
}

function say(message: string, code: number, hint: string | undefined): number {
  const style = styleOf(process.stderr)
  const ended = /[.!?)]$/.test(message) ? message.replace(/\.$/, '') : message
  process.stderr.write(
    `${style.red('sluice:')} ${printable(ended)}.${hint === undefined ? '' : ` ${hint}`}\n`,
  )
  return code
}

await main(process.argv.slice(2))
