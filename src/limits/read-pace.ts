import type { Admission } from './admission.ts'
import type { Allowance } from './allowance.ts'

/** Longest wait before it is looked again, ms: the limit may be another by then. */
const LOOK_MS = 1_000

/**
 * Holds a stream of records to its caller's rate: what has been sent counts, and no more is sent, nor read from Kafka,
 * before there is room for it. Nothing is refused or left out.
 */
export class ReadPace {
  readonly #admission: Admission
  /** Of whoever reads, as the rules have it now. */
  readonly #allowance: () => Allowance | undefined
  #isHeld = false

  constructor(admission: Admission, allowance: () => Allowance | undefined) {
    this.#admission = admission
    this.#allowance = allowance
  }

  /** Counts bytes that are on their way. */
  sent(bytes: number): void {
    this.#allowance()?.takeReadBytes(bytes)
  }

  /** How long to wait and then ask again, ms; 0 where more may be sent. */
  opensIn(): number {
    const ms = Math.min(this.#allowance()?.readOpensIn ?? 0, LOOK_MS)
    if (ms > 0 && !this.#isHeld) this.#admission.held()
    this.#isHeld = ms > 0
    return ms
  }
}
