// RFC 6455, sections 5.1, 5.2 and 5.6: data frames, their lengths, their masks, and what is reserved.
import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { startTestGateway } from '../../support/gateway.ts'
import { makeTopic } from '../../support/kafka.ts'
import { Opcode, rawConnect, rawFrame, rawText } from '../../support/raw-ws.ts'
import { readAll } from '../../support/read-all.ts'

const LIMIT = 131_072

/** A `produce` message of so many bytes, with the value in it. */
function produceOf(topic: string, id: number, bytes: number): { message: string; value: string } {
  const empty = JSON.stringify({ type: 'produce', id, topic, records: [{ value: '' }] })
  const value = Array.from({ length: bytes - empty.length }, (_, n) =>
    String.fromCharCode(97 + (n % 26)),
  ).join('')
  return { message: empty.replace('"value":""', `"value":"${value}"`), value }
}

describe('a text message', () => {
  it('is taken whole at every size at which its length is written another way, up to the limit', async () => {
    const gateway = await startTestGateway({ SLUICE_WS_MAX_MESSAGE_BYTES: String(LIMIT) })
    const topic = await makeTopic()
    const client = await rawConnect(gateway)
    const messages = [124, 125, 126, 127, 65_535, 65_536, LIMIT].map((bytes, id) =>
      produceOf(topic, id, bytes),
    )
    for (const { message } of messages) client.send(rawText(message))
    await client.until('all answers', () => client.messages.length === messages.length)
    const values = (await readAll(topic)).map(({ value }) => String(value))
    expect(values).toEqual(messages.map(({ value }) => value))
  })

  it.each([0, 1])('may have %s bytes', async (bytes) => {
    const client = await rawConnect(await startTestGateway())
    client.send(rawText('1'.repeat(bytes)), rawText('{"type":"next"}'))
    await client.until('two answers', () => client.messages.length === 2)
    expect(client.messages).toMatchObject([{ type: 'error' }, { code: 'unknown_type', ref: 'next' }])
  })

  it('past the limit is refused by its head alone, with 1009', async () => {
    const client = await rawConnect(await startTestGateway({ SLUICE_WS_MAX_MESSAGE_BYTES: String(LIMIT) }))
    client.send(rawText('', { length: BigInt(LIMIT + 1) }))
    expect(await client.closes()).toBe(1009)
  })

  it.each<[string, bigint]>([
    ['above 2^53', 1n << 53n],
    ['with its top bit set, which must not be', (1n << 63n) | 5n],
    ['of 2^64 - 1', (1n << 64n) - 1n],
  ])('that gives a length %s is refused with 1009', async (_, length) => {
    const client = await rawConnect(await startTestGateway())
    client.send(rawText('hello', { length }))
    expect(await client.closes()).toBe(1009)
  })

  it.each([16, 64] as const)(
    'that gives a short length in %s bits is taken all the same',
    async (lengthBits) => {
      const client = await rawConnect(await startTestGateway())
      client.send(rawText('{"type":"padded"}', { lengthBits }))
      await client.until('an answer', () => client.messages.length > 0)
      expect(client.messages[0]).toMatchObject({ code: 'unknown_type', ref: 'padded' })
    },
  )

  it('may come byte by byte, and several in one packet', async () => {
    const client = await rawConnect(await startTestGateway())
    client.socket.setNoDelay(true)
    for (const byte of rawText('{"type":"drops"}')) {
      client.socket.write(Buffer.of(byte))
      await turn()
    }
    client.send(...Array.from({ length: 5 }, (_, n) => rawText(`{"type":"p${n}"}`)))
    await client.until('six answers', () => client.messages.length === 6)
    expect(client.messages.map(({ ref }) => ref)).toEqual(['drops', 'p0', 'p1', 'p2', 'p3', 'p4'])
  })

  it('as large as may be gets through a link with the smallest packets that IPv4 has', async () => {
    const limit = 4_194_304
    const client = await rawConnect(await startTestGateway({ SLUICE_WS_MAX_MESSAGE_BYTES: String(limit) }))
    client.socket.setNoDelay(true)
    const frame = rawText(`{"type":"long","x":"${'x'.repeat(limit - 22)}"}`)
    for (let at = 0; at < frame.length; at += 536) {
      client.socket.write(frame.subarray(at, at + 536))
      await turn()
    }
    await client.until('an answer', () => client.messages.length > 0)
    expect(client.messages[0]).toMatchObject({ code: 'unknown_type', ref: 'long' })
  })
})

describe('a binary message', () => {
  it.each([0, 1, 125, 126, 65_536])(
    'is refused with 1003, since all messages are text: %s bytes',
    async (bytes) => {
      const client = await rawConnect(await startTestGateway())
      client.send(rawFrame(Opcode.binary, Buffer.alloc(bytes)))
      expect(await client.closes()).toBe(1003)
    },
  )
})

describe('the mask', () => {
  it.each([
    ['all zeros', [0, 0, 0, 0]],
    ['all ones', [255, 255, 255, 255]],
    ['one byte', [0, 0, 0, 7]],
  ])('may be any: %s', async (_, key) => {
    const client = await rawConnect(await startTestGateway())
    for (let length = 0; length < 8; length++) {
      client.send(rawText(`{"type":"m${'-'.repeat(length)}"}`, { key: Buffer.from(key) }))
    }
    await client.until('eight answers', () => client.messages.length === 8)
    expect(client.messages.map(({ ref }) => (ref as string).length)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  })

  it.each([
    ['a text frame', rawText('{}', { masked: false })],
    ['an empty one', rawText('', { masked: false })],
    ['a binary frame', rawFrame(Opcode.binary, 'x', { masked: false })],
    ['a ping', rawFrame(Opcode.ping, '', { masked: false })],
    ['a close frame', rawFrame(Opcode.close, '', { masked: false })],
  ])('must be there: %s without one is refused with 1002', async (_, frame) => {
    const client = await rawConnect(await startTestGateway())
    client.send(frame)
    expect(await client.closes()).toBe(1002)
  })
})

describe('what is reserved', () => {
  it.each([3, 4, 5, 6, 7, 11, 12, 13, 14, 15])('is refused with 1002: opcode %s', async (opcode) => {
    for (const payload of ['', 'x']) {
      const client = await rawConnect(await startTestGateway())
      client.send(rawFrame(opcode, payload))
      expect(await client.closes()).toBe(1002)
    }
  })

  it.each([1, 2, 3, 4, 5, 6, 7])('is refused with 1002: bits %s', async (rsv) => {
    const gateway = await startTestGateway()
    for (const opcode of [Opcode.text, Opcode.binary, Opcode.ping, Opcode.pong, Opcode.close]) {
      const client = await rawConnect(gateway)
      client.send(rawFrame(opcode, '', { rsv }))
      expect(await client.closes()).toBe(1002)
    }
  })

  it('ends that socket alone, behind the answers to what came before', async () => {
    const gateway = await startTestGateway()
    const other = await rawConnect(gateway)
    const client = await rawConnect(gateway)
    client.send(rawText('{"type":"before"}'), rawFrame(3), rawText('{"type":"behind"}'))
    expect(await client.closes()).toBe(1002)
    expect(client.messages.map(({ ref }) => ref)).toEqual(['before'])
    client.send(rawFrame(Opcode.close, Buffer.of(3, 234)))
    await client.ends(1_000)
    other.send(rawText('{"type":"other"}'))
    await other.until('an answer', () => other.messages.length > 0)
  })
})
