import type { Command } from 'commander'
import { Gateway } from './gateway-client.ts'
import { type Style, styleOf } from './output/style.ts'
import { write } from './output/stdout.ts'
import { type Column, table } from './output/table.ts'

/** What the options say that all commands have. */
export interface GlobalOptions {
  readonly url: string
  readonly json?: boolean
  readonly quiet?: boolean
  readonly color: boolean
}

/** What a command works with. */
export class Context {
  readonly options: GlobalOptions
  /** Of standard output. */
  readonly style: Style
  #gateway: Gateway | undefined

  constructor(options: GlobalOptions) {
    this.options = options
    this.style = styleOf(process.stdout, options.color)
  }

  /** @throws UsageError where --url is no URL */
  get gateway(): Gateway {
    return (this.#gateway ??= new Gateway(this.options.url))
  }

  get json(): boolean {
    return this.options.json === true
  }

  get quiet(): boolean {
    return this.options.quiet === true
  }

  /** Prints a document: as JSON where that is asked for, else as `human` has it. */
  async print(document: unknown, human: () => string): Promise<void> {
    await write(this.json ? `${JSON.stringify(document, null, 2)}\n` : human())
  }

  /** Prints a list: as JSON, or its names alone (`--quiet`), or a table. */
  async printList<T>(
    document: unknown,
    rows: readonly T[],
    columns: readonly Column<T>[],
    name: (row: T) => string,
  ): Promise<void> {
    await this.print(document, () =>
      this.quiet ? rows.map((row) => `${name(row)}\n`).join('') : table(rows, columns, this.style),
    )
  }

  /** Says on standard error what was done, unless `--quiet`. */
  say(sentence: string): void {
    if (!this.quiet) process.stderr.write(`${sentence}\n`)
  }
}

/** Has `work` done when the command is given, with what it is given: arguments, its options, and the context. */
export function does<Args extends unknown[], Options>(
  command: Command,
  work: (context: Context, options: Options, ...args: Args) => Promise<void>,
): Command {
  return command.action((...given: unknown[]) => {
    const args = given.slice(0, -2) as Args
    return work(new Context(command.optsWithGlobals()), command.opts() as Options, ...args)
  })
}

/** For options that are given several times. */
export function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value]
}
