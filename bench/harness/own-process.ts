import { Child } from './child.ts'

/** What starting a process and connecting may take beside the seconds that are asked for, ms. */
const OVERHEAD_MS = 120_000

/** The parts of `import.meta` that tell a module where it is and whether it is the program. */
interface ModuleMeta {
  readonly filename: string
  readonly main: boolean
}

/**
 * Makes `run` a function that does its work in a process of its own, so that load generator, baseline and gateway never
 * share an event loop: the module that holds it is started as a program with the options as its argument, and prints
 * the result. Each module has one.
 * @throws (the function returned) where the process fails, or takes two minutes longer than twice its `seconds`
 */
export function inOwnProcess<O extends object, R>(
  meta: ModuleMeta,
  run: (options: O) => Promise<R>,
): (options: O) => Promise<R> {
  // Once the module is there as a whole: what is declared below this call does not exist yet.
  if (meta.main) setImmediate(() => print(run, process.argv[2] ?? '{}'))
  return async (options) => {
    const child = new Child(meta.filename, [JSON.stringify(options)])
    try {
      return await child.line(resultOf<R>, limitOf(options))
    } finally {
      child.kill()
      await child.ended
    }
  }
}

function limitOf(options: { readonly seconds?: number }): number {
  return OVERHEAD_MS + 2_000 * (options.seconds ?? 0)
}

const PREFIX = 'result '

function resultOf<R>(line: string): R | undefined {
  return line.startsWith(PREFIX) ? (JSON.parse(line.slice(PREFIX.length)) as R) : undefined
}

async function print<O, R>(run: (options: O) => Promise<R>, options: string): Promise<void> {
  try {
    const line = `${PREFIX}${JSON.stringify(await run(JSON.parse(options) as O))}\n`
    // Clients and sockets may be left open: the work is done, and nothing is worth waiting for.
    process.stdout.write(line, () => process.exit(0))
  } catch (error) {
    process.stderr.write(String(error instanceof Error ? error.stack : error), () => process.exit(1))
  }
}
