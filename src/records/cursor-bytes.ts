/** The bytes of a cursor, read in turn. Throws a RangeError past the end or for too large a number. */
export class CursorBytes {
  readonly #bytes: Buffer
  #position = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get left(): number {
    return this.#bytes.length - this.#position
  }

  readByte(): number {
    return this.#bytes.readUInt8(this.#position++)
  }

  readUint32(): number {
    this.#position += 4
    return this.#bytes.readUInt32BE(this.#position - 4)
  }

  readUuid(): string {
    const hex = this.#bytes.toString('hex', this.#position, (this.#position += 16))
    if (hex.length < 32) throw new RangeError('bytes past the end')
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  }

  readVarint(): number {
    let value = 0
    for (let scale = 1; scale <= 2 ** 49; scale *= 0x80) {
      const byte = this.readByte()
      value += (byte & 0x7f) * scale
      if (!Number.isSafeInteger(value)) break
      if (byte < 0x80) return value
    }
    throw new RangeError('a varint past 2^53-1')
  }
}
