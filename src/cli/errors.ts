/** How a command ended, for scripts. docs/cli.md has the same table. */
export const exitCodes = {
  ok: 0,
  /** Something else went wrong. */
  failed: 1,
  /** The command line, or what it asks for, is not acceptable. */
  usage: 2,
  /** Some of it was done and some was not: records not written, one of several topics not deleted. */
  partly: 3,
  /** There is no such topic, group, broker, ... */
  notFound: 4,
  /** The gateway or its Kafka cannot be reached just now: the same command may work later. */
  unavailable: 5,
  /** `doctor --strict`: nothing is wrong, and something could be better. */
  warnings: 6,
  /** Ctrl-C, before it was done. */
  interrupted: 130,
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** Ends the command: one sentence for the user, and what to do next. */
export class CommandError extends Error {
  readonly exitCode: ExitCode
  /** The next step, a sentence; absent where the message says it. */
  readonly hint: string | undefined

  constructor(exitCode: ExitCode, message: string, options: { hint?: string | undefined } = {}) {
    super(message)
    this.name = 'CommandError'
    this.exitCode = exitCode
    this.hint = options.hint
  }
}

/** What was asked for cannot be: the command line is to be changed. */
export class UsageError extends CommandError {
  constructor(message: string, hint?: string) {
    super(exitCodes.usage, message, { hint })
    this.name = 'UsageError'
  }
}

/** The members of a problem document (RFC 9457), a result's error and an error frame that commands make use of. */
export interface ProblemDocument {
  readonly code: string
  readonly title: string
  readonly detail?: string
  readonly retryable?: boolean
  readonly status?: number
  readonly outcome?: string
  /** Of a reset of offsets of which it is not known whether it was done: what it sets. */
  readonly partitions?: readonly UnknownOffset[]
  readonly errors?: readonly {
    readonly pointer?: string
    readonly parameter?: string
    readonly reason: string
  }[]
}

export interface UnknownOffset {
  readonly topic: string
  readonly partition: number
  readonly offset: number | null
}

/** The gateway refused something, and said why. */
export class GatewayError extends CommandError {
  readonly problem: ProblemDocument

  /** @param options a hint where the next step is another than for this problem at large */
  constructor(problem: ProblemDocument, options: { hint?: string | undefined } = {}) {
    super(exitCodeOf(problem), problemText(problem), options)
    this.name = 'GatewayError'
    this.problem = problem
  }
}

/** What went wrong in one line, with the code that programs and docs/problems.md know it by. */
export function problemText({ title, detail, code, errors = [] }: ProblemDocument): string {
  const said = detail === undefined || detail === title ? title : detail
  const more = errors
    .map(({ pointer, parameter, reason }) => `${pointer ?? parameter ?? ''} ${reason}`.trim())
    .filter((text) => !said.includes(text.slice(text.indexOf(' ') + 1)))
  const text = [said.replace(/\.$/, ''), ...more].join('; ')
  return `${text} (${code})`
}

function exitCodeOf({ status, code, retryable }: ProblemDocument): ExitCode {
  if (status === 404 || code.endsWith('_not_found')) return exitCodes.notFound
  return retryable === true ? exitCodes.unavailable : exitCodes.failed
}

/** Whoever read the output has gone, as `head` does when it has enough: no error, there is nobody to write for. */
export class OutputClosed extends Error {}
