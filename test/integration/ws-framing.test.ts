import { describe, expect, it } from 'vitest'
import { startTestGateway } from '../support/gateway.ts'
import { closePayload, Opcode, rawConnect, rawFrame } from '../support/raw-ws.ts'

const text = (payload: string, options?: Parameters<typeof rawFrame>[2]) =>
  rawFrame(Opcode.text, payload, options)
const badUtf8 = Buffer.from([0x22, 0xc3, 0x28, 0x22])

/** What breaks the protocol, by RFC 6455, and the close code for it. */
const breaches: [name: string, frames: Buffer[], code: number][] = [
  ['an unmasked frame', [text('{}', { masked: false })], 1002],
  ['RSV1 without an extension', [text('{}', { rsv: 4 })], 1002],
  ['RSV2', [text('{}', { rsv: 2 })], 1002],
  ['RSV3', [text('{}', { rsv: 1 })], 1002],
  ['a data opcode that is not defined', [rawFrame(3, 'x')], 1002],
  ['a control opcode that is not defined', [rawFrame(11, 'x')], 1002],
  ['a ping of 126 bytes', [rawFrame(Opcode.ping, Buffer.alloc(126))], 1002],
  ['a pong of 126 bytes', [rawFrame(Opcode.pong, Buffer.alloc(126))], 1002],
  ['a ping in fragments', [rawFrame(Opcode.ping, 'x', { fin: false })], 1002],
  ['a continuation of nothing', [rawFrame(Opcode.continuation, 'x')], 1002],
  ['a new message within another', [text('{', { fin: false }), text('}')], 1002],
  ['a close frame with one byte', [rawFrame(Opcode.close, 'x')], 1002],
  ['a close frame with a code that is not for sending', [rawFrame(Opcode.close, closePayload(1006))], 1002],
  ['a close frame with a code that is not defined', [rawFrame(Opcode.close, closePayload(999))], 1002],
  [
    'a close reason that is not UTF-8',
    [rawFrame(Opcode.close, Buffer.concat([closePayload(1000), badUtf8]))],
    1007,
  ],
  ['text that is not UTF-8', [rawFrame(Opcode.text, badUtf8)], 1007],
  [
    'text in fragments that is not UTF-8',
    [rawFrame(Opcode.text, badUtf8.subarray(0, 2), { fin: false }), rawFrame(0, '(')],
    1007,
  ],
  ['a binary message', [rawFrame(Opcode.binary, '{}')], 1003],
  [
    'a length past 2^53',
    [Buffer.from([0x81, 0xff, 0x7f, 255, 255, 255, 255, 255, 255, 255, 1, 2, 3, 4])],
    1009,
  ],
  [
    'a flood of fragments',
    [text('[', { fin: false }), ...Array.from({ length: 64 }, () => rawFrame(0, '1', { fin: false }))],
    1008,
  ],
]

describe('a WebSocket peer', () => {
  it.each(breaches)('that sends %s is closed', async (_, frames, code) => {
    const gateway = await startTestGateway()
    const client = await rawConnect(gateway)
    client.send(...frames)
    expect(await client.closes()).toBe(code)
    client.send(rawFrame(Opcode.close, closePayload(code)))
    await client.ends(1_000)
    const other = await rawConnect(gateway)
    other.sendJson({ type: 'ack', offsets: [] })
    await other.until('an answer', () => other.messages.length > 0)
  })

  it('is closed with 1009 for a message over the limit, and not for one that fills it', async () => {
    const gateway = await startTestGateway({ SLUICE_WS_MAX_MESSAGE_BYTES: '2048' })
    const client = await rawConnect(gateway)
    client.send(text(JSON.stringify('x'.repeat(2_046))))
    await client.until('an answer', () => client.messages.length > 0)
    expect(client.messages[0]).toMatchObject({ code: 'unknown_type' })
    client.send(text(JSON.stringify('x'.repeat(2_047))))
    expect(await client.closes()).toBe(1009)
  })

  it('is closed with 1009 once its fragments are too long together', async () => {
    const gateway = await startTestGateway({ SLUICE_WS_MAX_MESSAGE_BYTES: '2048' })
    const client = await rawConnect(gateway)
    client.send(text('x'.repeat(2_000), { fin: false }), rawFrame(0, 'x'.repeat(100), { fin: false }))
    expect(await client.closes()).toBe(1009)
  })

  it('may split a message into fragments, with pings between them', async () => {
    const gateway = await startTestGateway()
    const client = await rawConnect(gateway)
    client.send(text('{"type":', { fin: false }), rawFrame(Opcode.ping, 'now'), rawFrame(0, '"subs'))
    await client.until('a pong', () => client.frames.some(({ opcode }) => opcode === Opcode.pong))
    expect(client.frames[0]).toMatchObject({ opcode: Opcode.pong, payload: Buffer.from('now') })
    await client.until('an answer', () => client.messages.length > 0)
    expect(client.messages[0]).toMatchObject({ code: 'malformed_json' })
  })

  it('may send a frame byte by byte', async () => {
    const gateway = await startTestGateway()
    const client = await rawConnect(gateway)
    for (const byte of text('{"type":"nonsense"}')) client.socket.write(Buffer.of(byte))
    await client.until('an answer', () => client.messages.length > 0)
    expect(client.messages[0]).toMatchObject({ code: 'unknown_type', ref: 'nonsense' })
  })

  it('may send its first frame together with the handshake', async () => {
    const gateway = await startTestGateway()
    const client = await rawConnect(gateway, {}, text('{"type":"nonsense"}'))
    await client.until('an answer', () => client.messages.length > 0)
    expect(client.messages[0]).toMatchObject({ code: 'unknown_type' })
  })

  describe('closing', () => {
    it('gets its own code back and then the end of the connection', async () => {
      const gateway = await startTestGateway()
      for (const code of [1000, 1001, 3000, 4999]) {
        const client = await rawConnect(gateway)
        client.send(rawFrame(Opcode.close, closePayload(code, 'bye')))
        expect(await client.closes()).toBe(code)
        await client.ends(1_000)
      }
    })

    it('may leave out the code', async () => {
      const gateway = await startTestGateway()
      const client = await rawConnect(gateway)
      client.send(rawFrame(Opcode.close))
      expect(await client.closes()).toBe(1005)
      await client.ends(1_000)
    })

    it('is not heard any more after its close frame', async () => {
      const gateway = await startTestGateway()
      const client = await rawConnect(gateway)
      client.send(rawFrame(Opcode.close, closePayload(1000)), text('{"type":"nonsense"}'))
      await client.ends(1_000)
      expect(client.messages).toEqual([])
    })

    it('is cut off where it does not answer our close frame', async () => {
      const gateway = await startTestGateway()
      const client = await rawConnect(gateway)
      client.send(rawFrame(Opcode.binary, 'x'))
      expect(await client.closes()).toBe(1003)
      await client.ends(4_000)
    })

    it('is cut off where it never ends its side after the closing handshake', async () => {
      const gateway = await startTestGateway()
      const client = await rawConnect(gateway)
      const gone = new Promise((resolve) => client.socket.once('close', resolve))
      client.send(rawFrame(Opcode.close, closePayload(1000)))
      await client.closes()
      // Half open: ours is the last end, and only a reset tells that the gateway let go of it.
      const writing = setInterval(() => client.socket.write('x'), 50)
      await gone
      clearInterval(writing)
    })

    it('may end the connection without a close frame', async () => {
      const gateway = await startTestGateway({ SLUICE_MAX_STREAMS: '1' })
      const client = await rawConnect(gateway)
      client.socket.end()
      await client.ends(1_000)
      // Its place is free again.
      await expect
        .poll(() =>
          rawConnect(gateway).then(
            () => true,
            () => false,
          ),
        )
        .toBe(true)
    })
  })
})
