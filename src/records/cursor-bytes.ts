/** The bytes of a cursor, written or read in turn. Reading throws a RangeError past the end or for too large a number. */
export class CursorBytes {
  readonly #written: number[] = []
  readonly #bytes: Buffer
  #position = 0

  constructor(bytes: Buffer = Buffer.alloc(0)) {
    this.#bytes = bytes
  }

  toText(): string {
    return Buffer.from(this.#written).toString('base64url')
  }

  byte(value: number): void {
    this.#written.push(value)
  }

  uint32(value: number): void {
    for (let shift = 24; shift >= 0; shift -= 8) this.#written.push((value >>> shift) & 0xff)
  }

  /** A UUID with or without hyphens. */
  uuid(text: string): void {
    this.#written.push(...Buffer.from(text.replaceAll('-', ''), 'hex'))
  }

  /** From 0 to 2^53-1. */
  varint(value: number): void {
    for (; value >= 0x80; value = Math.floor(value / 0x80)) this.#written.push((value % 0x80) | 0x80)
    this.#written.push(value)
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
