import { Problem } from '../problems/problem.ts'
import { type CheckName, checkNames } from './checks.ts'
import { type Finding, problem, skipped, type Verdict, type Verdicts } from './finding.ts'

/** What the checks say, as they end. */
export class Findings {
  readonly #except: ReadonlySet<CheckName>
  readonly #verdicts = new Map<CheckName, readonly Verdict[]>()

  /** @param except checks not to be made */
  constructor(except: ReadonlySet<CheckName>) {
    this.#except = except
  }

  /** Makes a check, unless it is not wanted: one that fails says so, and does not take the others with it. */
  async make(check: CheckName, look: () => Verdicts | Promise<Verdicts>): Promise<void> {
    if (this.#except.has(check)) return
    try {
      const verdicts = await look()
      this.#verdicts.set(check, 'status' in verdicts ? [verdicts] : verdicts)
    } catch (error) {
      this.#verdicts.set(check, [failed(error)])
    }
  }

  /** Says of checks why they are not made; of those that have been made, nothing. */
  skip(checks: readonly CheckName[], why: string): void {
    for (const check of checks)
      if (!this.#except.has(check) && !this.#verdicts.has(check)) this.#verdicts.set(check, [skipped(why)])
  }

  /** In the order of the table of checks. Those that have not ended are `unfinished`. */
  all(unfinished: string): Finding[] {
    const late = problem(unfinished, 'Try again; what does not answer is said by the checks before it.')
    return checkNames
      .filter((check) => !this.#except.has(check))
      .flatMap((check) => (this.#verdicts.get(check) ?? [late]).map((verdict) => ({ check, ...verdict })))
  }
}

function failed(error: unknown): Verdict {
  if (error instanceof Problem) {
    const said = `${error.message.replace(/\.$/, '')} (${error.code})`
    return error.code === 'kafka_authorization'
      ? skipped(`Kafka does not let the gateway see it (${error.code})`)
      : problem(said, error.row.fix)
  }
  // A mistake of this check, of which the others know nothing.
  return skipped(`this could not be looked at: ${error instanceof Error ? error.message : String(error)}`)
}
