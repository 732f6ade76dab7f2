import { createHmac, timingSafeEqual } from 'node:crypto'

/** Half of an HMAC-SHA256 (RFC 2104, section 5): 128 bits that nobody guesses. */
const MAC_BYTES = 16

/**
 * Signs what a client keeps for the gateway, so that it can be trusted when it comes back. Each purpose has a key of its
 * own, derived from the one secret: a token of one kind is never taken for one of another.
 */
export class TokenSigner {
  readonly #key: Buffer

  constructor(secret: string | Buffer, purpose: string) {
    this.#key = createHmac('sha256', secret).update(`sluice ${purpose}`).digest()
  }

  /** Text that is safe in a path: base64url of `payload` and its signature, which covers `context` too. */
  sign(payload: Buffer, context: string): string {
    return Buffer.concat([payload, this.#mac(payload, context)]).toString('base64url')
  }

  /** The payload of a text that sign() made of it with the same context; undefined for any other text. */
  open(text: string, context: string): Buffer | undefined {
    const bytes = bytesOf(text)
    if (bytes === undefined) return undefined
    const payload = bytes.subarray(0, -MAC_BYTES)
    return timingSafeEqual(bytes.subarray(-MAC_BYTES), this.#mac(payload, context)) ? payload : undefined
  }

  #mac(payload: Buffer, context: string): Buffer {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(payload.length)
    const mac = createHmac('sha256', this.#key).update(length).update(payload).update(context)
    return mac.digest().subarray(0, MAC_BYTES)
  }
}

/** The bytes of a text that may be a token at all. Strict: two different texts never mean the same bytes. */
function bytesOf(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url')
  return bytes.length >= MAC_BYTES && bytes.toString('base64url') === text ? bytes : undefined
}
