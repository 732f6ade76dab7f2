import { Problem, type ProblemPart } from '../problems/problem.ts'
import type { ProblemCode } from '../problems/problems.ts'

const MAX_REPORTED_ERRORS = 20

/** What is wrong with the records of a body, each with its pointer: told together, so that a client mends them together. */
export class BodyFaults {
  /** What the bytes are, for the words of an error. */
  readonly #what: 'body' | 'line'
  readonly #errors: (ProblemPart & { code: ProblemCode })[] = []

  constructor(what: 'body' | 'line') {
    this.#what = what
  }

  add(pointer: string, reason: string, code: ProblemCode = 'invalid_request'): void {
    this.#errors.push({ pointer, reason, code })
    // Nobody reads more of them, and each costs memory.
    if (this.#errors.length === MAX_REPORTED_ERRORS) this.throwAny()
  }

  malformed(how = 'is not one complete JSON document, or it nests deeper than 500 levels'): Problem {
    return new Problem('malformed_json', { detail: `The ${this.#what} ${how}.`, outcome: 'not_written' })
  }

  /** One kind of fault has its own code; a mixture is an invalid request. */
  throwAny(): void {
    const [first] = this.#errors
    if (first === undefined) return
    const code = this.#errors.every((error) => error.code === first.code) ? first.code : 'invalid_request'
    throw new Problem(code, {
      detail: `${first.pointer === '' ? `The ${this.#what}` : first.pointer}: ${first.reason}.`,
      errors: this.#errors.map(({ pointer, reason }) => ({
        ...(pointer === undefined ? {} : { pointer }),
        reason,
      })),
      outcome: 'not_written',
    })
  }
}

/** No encoder of UTF-8 takes half a pair, and one that replaces it changes what the client sent. */
export function loneSurrogate(pointer: string): Problem {
  return new Problem('malformed_json', {
    // A pointer to a member so named would itself be one.
    detail: `${pointer.toWellFormed()} holds half of a surrogate pair, which no text can carry.`,
    errors: [{ pointer: pointer.toWellFormed(), reason: 'a lone surrogate' }],
    outcome: 'not_written',
  })
}
