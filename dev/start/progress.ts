/** Details follow one another fast; where they can't replace each other one goes out this often, ms. */
const PLAIN_DETAIL_MS = 10_000

interface Out {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

/** Says what is being done: on a terminal in one line that changes, elsewhere in plain lines. */
export class Progress {
  readonly #out: Out
  readonly #now: () => number
  #phase = ''
  #detailAt = 0

  constructor(out: Out, now: () => number = () => performance.now()) {
    this.#out = out
    this.#now = now
  }

  readonly update = (phase: string, detail = ''): void => {
    const text = detail === '' ? phase : `${phase}: ${detail}`
    if (this.#out.isTTY) {
      // A line longer than the terminal is wide would not be overwritten by the next.
      this.#out.write(`\r\x1b[2K${`${text} ...`.slice(0, (this.#out.columns || 80) - 1)}`)
    } else if (phase !== this.#phase || this.#now() - this.#detailAt >= PLAIN_DETAIL_MS) {
      this.#out.write(`${text}\n`)
      this.#detailAt = this.#now()
    }
    this.#phase = phase
  }

  /** Clears the line, for what is printed next. */
  readonly clear = (): void => {
    if (this.#out.isTTY && this.#phase !== '') this.#out.write('\r\x1b[2K')
    this.#phase = ''
  }
}
