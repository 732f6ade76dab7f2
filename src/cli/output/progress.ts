/** How often a line of progress is written anew, ms. */
const INTERVAL_MS = 200

/** One line on standard error that says how far a long work is; nothing where that is no terminal. */
export class Progress {
  readonly #on: boolean
  #text: () => string = () => ''
  #timer: NodeJS.Timeout | undefined

  constructor(wanted: boolean) {
    this.#on = wanted && process.stderr.isTTY === true
  }

  /** Shows what `text` says, now and then, until `end`. */
  start(text: () => string): void {
    if (!this.#on) return
    this.#text = text
    this.#timer ??= setInterval(() => this.#draw(), INTERVAL_MS).unref()
  }

  /** Takes the line away: what is written next stands in its place. */
  end(): void {
    if (this.#timer === undefined) return
    clearInterval(this.#timer)
    this.#timer = undefined
    process.stderr.write('\r\x1b[2K')
  }

  #draw(): void {
    const width = (process.stderr.columns || 80) - 1
    process.stderr.write(`\r\x1b[2K${this.#text().slice(0, width)}`)
  }
}
