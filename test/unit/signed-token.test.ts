import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TokenSigner } from '../../src/signed-token.ts'
import { decodeProducerToken, encodeProducerToken } from '../../src/kafka/producers/producer-token.ts'

const secret = 's'.repeat(32)
const bytes = fc.uint8Array({ maxLength: 60 }).map((array) => Buffer.from(array))

describe('a signed token', () => {
  const signer = new TokenSigner(secret, 'test')

  it('gives its payload back, to whoever has the same secret, for the same context', () => {
    fc.assert(
      fc.property(bytes, fc.string(), (payload, context) => {
        const token = signer.sign(payload, context)
        expect(token).toMatch(/^[A-Za-z0-9_-]+$/)
        expect(new TokenSigner(Buffer.from(secret), 'test').open(token, context)).toEqual(payload)
      }),
    )
  })

  it('gives nothing for another context, purpose or secret, also where payload and context together are the same', () => {
    const token = signer.sign(Buffer.from('ab'), 'c')
    const moved = Buffer.concat([Buffer.from('a'), Buffer.from(token, 'base64url').subarray(2)])
    expect(signer.open(moved.toString('base64url'), 'bc')).toBeUndefined()
    expect(signer.open(token, 'd')).toBeUndefined()
    expect(new TokenSigner(secret, 'other').open(token, 'c')).toBeUndefined()
    expect(new TokenSigner('t'.repeat(32), 'test').open(token, 'c')).toBeUndefined()
  })

  it('gives nothing when it was altered, whatever was done to it', () => {
    const token = signer.sign(Buffer.from('payload'), '')
    fc.assert(
      fc.property(fc.nat(token.length), fc.nat(2), fc.string(), (at, cut, put) => {
        const altered = token.slice(0, at) + put + token.slice(at + cut)
        fc.pre(altered !== token)
        expect(signer.open(altered, '')).toBeUndefined()
      }),
    )
  })
})

describe('what a producer token says', () => {
  it('comes back as it went in, and is nothing in any other version or length', () => {
    const token = fc.record({
      producerId: fc.bigInt(0n, 2n ** 63n - 1n),
      producerEpoch: fc.integer({ min: 0, max: 32_767 }),
      partition: fc.integer({ min: 0, max: 0x7fffffff }),
      issuedAt: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
      topicId: fc.uuid(),
    })
    fc.assert(
      fc.property(token, (token) => {
        const encoded = encodeProducerToken(token)
        expect(decodeProducerToken(encoded)).toEqual(token)
        expect(decodeProducerToken(encoded.subarray(1))).toBeUndefined()
        encoded[0] = 2
        expect(decodeProducerToken(encoded)).toBeUndefined()
      }),
    )
  })
})
