const LINE_FEED = 0x0a

/**
 * Cuts bytes that come in pieces into lines, at line feeds. It holds the line that has no end yet, and of one longer
 * than `maxBytes` nothing. Lines within one piece are views of it.
 */
export class LineSplitter {
  readonly #maxBytes: number
  /** What there is of the last line, in the first `#length` bytes. */
  #held = Buffer.alloc(0)
  #length = 0
  /** What still comes of the last line is thrown away. */
  #skipping = false

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** How many bytes of an unfinished line are held. */
  get heldBytes(): number {
    return this.#length
  }

  /** Takes the next piece. `each` is given every line that ends in it, and undefined once for a line that is too long. */
  push(piece: Buffer, each: (line: Buffer | undefined) => void): void {
    let start = 0
    for (;;) {
      const end = piece.indexOf(LINE_FEED, start)
      if (end < 0) break
      if (this.#skipping) this.#skipping = false
      else if (this.#length === 0 && end - start <= this.#maxBytes) each(piece.subarray(start, end))
      else if (this.#hold(piece, start, end, each)) each(this.#take())
      else this.#skipping = false
      start = end + 1
    }
    if (!this.#skipping) this.#hold(piece, start, piece.length, each)
  }

  /** The line after the last line feed, once there is nothing more to come; undefined where there is none. */
  end(): Buffer | undefined {
    return this.#length === 0 ? undefined : this.#take()
  }

  /** Lets go of the unfinished line: what still comes of it is skipped. */
  drop(): void {
    this.#take()
    this.#skipping = true
  }

  #take(): Buffer {
    const line = this.#held.subarray(0, this.#length)
    this.#held = Buffer.alloc(0)
    this.#length = 0
    return line
  }

  /** Adds to the unfinished line; false where that makes it too long. */
  #hold(piece: Buffer, start: number, end: number, each: (line: undefined) => void): boolean {
    const length = this.#length + end - start
    if (length > this.#maxBytes) {
      this.drop()
      each(undefined)
      return false
    }
    if (length > this.#held.length) {
      // Doubled, so that a line that comes byte by byte is not copied for each.
      const grown = Buffer.allocUnsafeSlow(Math.min(this.#maxBytes, Math.max(length, this.#length * 2)))
      this.#held.copy(grown, 0, 0, this.#length)
      this.#held = grown
    }
    piece.copy(this.#held, this.#length, start, end)
    this.#length = length
    return true
  }
}
