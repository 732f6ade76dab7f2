/** Below this many bytes a loop beats a call of copy(). */
const SHORT = 32
/** What is no more than this, in bytes, is copied rather than given away with its buffer. */
const SMALL = 4_096
const TEN_MILLION = 10_000_000

const NOTHING = Buffer.alloc(0)

/** Bytes being written, in one buffer that grows. What take() gave is never touched again. */
export class ByteWriter {
  readonly #capacity: number
  /** There is none before the first byte: a socket that is told nothing holds none. */
  bytes: Buffer = NOTHING
  length = 0

  /** `capacity` in bytes is where each buffer starts. */
  constructor(capacity = 65_536) {
    this.#capacity = capacity
  }

  /** Makes room for `count` bytes. Those who write to `bytes` themselves call it first, and move `length` on. */
  reserve(count: number): void {
    const needed = this.length + count
    if (needed <= this.bytes.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#capacity, this.bytes.length * 2))
    this.bytes.copy(grown, 0, 0, this.length)
    this.bytes = grown
  }

  /** Everything written so far; the writer starts again with nothing. */
  take(): Buffer {
    const taken = this.bytes.subarray(0, this.length)
    this.bytes = NOTHING
    this.length = 0
    return taken
  }

  /** The same for what is sent now and then: little is copied out, so that the buffer it is in serves again. */
  takeOften(): Buffer {
    if (this.length > SMALL) return this.take()
    const copy = Buffer.from(this.bytes.subarray(0, this.length))
    this.length = 0
    return copy
  }

  /** Undoes what was written since `length` was this. */
  truncate(length: number): void {
    this.length = length
  }

  byte(value: number): void {
    this.reserve(1)
    this.bytes[this.length++] = value
  }

  /** Text of which every character is ASCII. */
  ascii(text: string): void {
    this.reserve(text.length)
    this.length += this.bytes.write(text, this.length, 'latin1')
  }

  copy(source: Buffer, start = 0, end = source.length): void {
    const count = end - start
    this.reserve(count)
    if (count < SHORT) {
      const { bytes } = this
      for (let i = start, to = this.length; i < end;) bytes[to++] = source[i++]!
    } else source.copy(this.bytes, this.length, start, end)
    this.length += count
  }

  /** The digits of a whole number. */
  integer(value: number | bigint): void {
    if (typeof value === 'bigint' || value < 0) return this.ascii(String(value))
    this.reserve(16)
    if (value < TEN_MILLION) return this.#digits(value, digitsOf(value))
    // In halves that fit 32 bits, which are far cheaper to divide.
    const high = Math.floor(value / TEN_MILLION)
    if (high < TEN_MILLION) this.#digits(high, digitsOf(high))
    else {
      const top = Math.floor(high / TEN_MILLION)
      this.#digits(top, digitsOf(top))
      this.#digits(high - top * TEN_MILLION, 7)
    }
    this.#digits(value - high * TEN_MILLION, 7)
  }

  /** `count` digits, zeros in front. */
  #digits(value: number, count: number): void {
    const { bytes } = this
    let rest = value | 0
    for (let at = this.length + count - 1; at >= this.length; at--) {
      const tenth = (rest / 10) | 0
      bytes[at] = 0x30 + rest - tenth * 10
      rest = tenth
    }
    this.length += count
  }
}

/** Of a number below ten million. */
function digitsOf(value: number): number {
  if (value < 1_000) return value < 10 ? 1 : value < 100 ? 2 : 3
  if (value < 100_000) return value < 10_000 ? 4 : 5
  return value < 1_000_000 ? 6 : 7
}
