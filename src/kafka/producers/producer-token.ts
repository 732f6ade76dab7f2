import type { ProducerIdentity } from '../writer/producer-ids.ts'

/** What a producer's token says: who writes (KIP-98), and where alone it may. */
export interface ProducerToken extends ProducerIdentity {
  /** Tells the topic from a later one of the same name. */
  readonly topicId: string
  readonly partition: number
  /** When it was opened, milliseconds since the epoch. */
  readonly issuedAt: number
}

const VERSION = 1
const BYTES = 37

/** version 1 | producer id, 8 bytes | epoch, 2 | partition, 4 | time, 6 | topic id, 16 */
export function encodeProducerToken(token: ProducerToken): Buffer {
  const out = Buffer.alloc(BYTES)
  out.writeUInt8(VERSION, 0)
  out.writeBigInt64BE(token.producerId, 1)
  out.writeInt16BE(token.producerEpoch, 9)
  out.writeInt32BE(token.partition, 11)
  out.writeUIntBE(token.issuedAt, 15, 6)
  out.write(token.topicId.replaceAll('-', ''), 21, 'hex')
  return out
}

/** Undefined where the bytes are not what encodeProducerToken() makes. */
export function decodeProducerToken(bytes: Buffer): ProducerToken | undefined {
  if (bytes.length !== BYTES || bytes[0] !== VERSION) return undefined
  return {
    producerId: bytes.readBigInt64BE(1),
    producerEpoch: bytes.readInt16BE(9),
    partition: bytes.readInt32BE(11),
    issuedAt: bytes.readUIntBE(15, 6),
    topicId: bytes.toString('hex', 21).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'),
  }
}

/** Tells producers apart, each on its partition. */
export function keyOf({ producerId, producerEpoch, topicId, partition }: ProducerToken): string {
  return `${producerId}/${producerEpoch}/${topicId}/${partition}`
}
