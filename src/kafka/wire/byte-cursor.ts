const TWO_32 = 2 ** 32

/** A 64-bit number of the wire that a JavaScript number can't hold exactly. */
export class UnsafeIntegerError extends Error {
  constructor(value: bigint) {
    super(`${value} lies past 2^53-1`)
    this.name = 'UnsafeIntegerError'
  }
}

/**
 * Reads Kafka's wire types in turn from one contiguous Buffer. Past its end every read throws a RangeError.
 * (The client's own Reader walks a list of buffers for each byte; a fetch answer of many partitions shows that.)
 */
export class ByteCursor {
  readonly bytes: Buffer
  position = 0

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  int16(): number {
    return this.bytes.readInt16BE(this.#move(2))
  }

  int32(): number {
    return this.bytes.readInt32BE(this.#move(4))
  }

  /** @throws UnsafeIntegerError rather than a rounded number */
  int64(): number {
    return readInt64(this.bytes, this.#move(8))
  }

  bigint64(): bigint {
    return this.bytes.readBigInt64BE(this.#move(8))
  }

  /** An unsigned varint of up to 32 bits. */
  varint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.bytes.readUInt8(this.#move(1))
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value >>> 0
    }
    throw new RangeError('a varint of more than five bytes')
  }

  /** The length of a compact array or of compact bytes; -1 where it is null. */
  compactLength(): number {
    return this.varint() - 1
  }

  /** In the form of the client and of metadata: 8-4-4-4-12 hexadecimal digits. */
  uuid(): string {
    const start = this.#move(16)
    const hex = this.bytes.toString('hex', start, start + 16)
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
  }

  /** A view of the next bytes, not a copy. */
  view(length: number): Buffer {
    const start = this.#move(length)
    if (this.position > this.bytes.length) throw new RangeError('bytes past the end')
    return this.bytes.subarray(start, this.position)
  }

  /** The tagged fields of a flexible version (KIP-482): `visit` reads those it knows, the rest are passed over. */
  taggedFields(visit?: (tag: number, field: ByteCursor) => void): void {
    for (let count = this.varint(); count > 0; count--) {
      const tag = this.varint()
      const field = this.view(this.varint())
      visit?.(tag, new ByteCursor(field))
    }
  }

  #move(length: number): number {
    const start = this.position
    this.position += length
    return start
  }
}

/** @throws UnsafeIntegerError rather than a rounded number */
export function readInt64(bytes: Buffer, at: number): number {
  const high = bytes.readInt32BE(at)
  // The numbers from -2^53 up to 2^53-1, less the first: those a double holds exactly.
  if (high >= -0x200000 && high <= 0x1fffff) {
    const value = high * TWO_32 + bytes.readUInt32BE(at + 4)
    if (value >= Number.MIN_SAFE_INTEGER) return value
  }
  throw new UnsafeIntegerError(bytes.readBigInt64BE(at))
}
