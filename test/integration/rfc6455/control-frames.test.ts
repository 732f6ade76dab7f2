// RFC 6455, section 5.5: control frames.
import { describe, expect, it } from 'vitest'
import { startTestGateway } from '../../support/gateway.ts'
import { committedOffsets } from '../../support/groups.ts'
import { makeTopic, uniqueName } from '../../support/kafka.ts'
import { numbered, produce } from '../../support/produce.ts'
import { Opcode, type RawClient, rawConnect, rawFragments, rawFrame, rawText } from '../../support/raw-ws.ts'

const pongsOf = (client: RawClient) =>
  client.frames.filter(({ opcode }) => opcode === Opcode.pong).map(({ payload }) => payload)

describe('a ping', () => {
  it('is answered with its own bytes, in the order sent, at every size there may be', async () => {
    const client = await rawConnect(await startTestGateway())
    const payloads = [0, 1, 2, 64, 124, 125].map((bytes) => Buffer.alloc(bytes, 0xfe))
    for (const payload of payloads) client.send(rawFrame(Opcode.ping, payload))
    await client.until('all pongs', () => pongsOf(client).length === payloads.length)
    expect(pongsOf(client)).toEqual(payloads)
  })

  it('is answered though fifty come in one packet', async () => {
    const client = await rawConnect(await startTestGateway())
    const payloads = Array.from({ length: 50 }, (_, n) => Buffer.from(`ping ${n}`))
    client.send(...payloads.map((payload) => rawFrame(Opcode.ping, payload)))
    await client.until('all pongs', () => pongsOf(client).length === 50)
    expect(pongsOf(client)).toEqual(payloads)
  })

  it('may come byte by byte', async () => {
    const client = await rawConnect(await startTestGateway())
    for (const byte of rawFrame(Opcode.ping, Buffer.alloc(125, 7))) client.socket.write(Buffer.of(byte))
    await client.until('a pong', () => pongsOf(client).length === 1)
  })

  it('is answered at once between the fragments of a message, which stays whole', async () => {
    const client = await rawConnect(await startTestGateway())
    const [first, second, last] = rawFragments(['{"type":', '"sp', 'lit"}'])
    client.send(first!, rawFrame(Opcode.ping, 'a'), second!, rawFrame(Opcode.ping, 'b'))
    await client.until('two pongs', () => pongsOf(client).length === 2)
    expect(client.messages).toEqual([])
    client.send(rawFrame(Opcode.pong, 'c'), last!)
    await client.until('an answer', () => client.messages.length > 0)
    expect(client.messages[0]).toMatchObject({ code: 'unknown_type', ref: 'split' })
  })

  it('is not answered behind a close frame', async () => {
    const client = await rawConnect(await startTestGateway())
    client.send(rawFrame(Opcode.close), rawFrame(Opcode.ping, 'late'))
    await client.ends(1_000)
    expect(pongsOf(client)).toEqual([])
  })
})

describe('a pong that nobody asked for', () => {
  it('is ignored, whatever is in it', async () => {
    const client = await rawConnect(await startTestGateway())
    for (const payload of ['', 'x', 't1', 't99999999999999999999', Buffer.alloc(125, 0xff)]) {
      client.send(rawFrame(Opcode.pong, payload))
    }
    client.send(rawText('{"type":"next"}'))
    await client.until('an answer', () => client.messages.length > 0)
    expect(client.frames).toHaveLength(1)
  })

  it('commits nothing, though it looks like one to come', async () => {
    const gateway = await startTestGateway()
    const [topic, group] = [await makeTopic(), uniqueName('g')]
    const client = await rawConnect(gateway, { topics: topic, group, from: 'earliest' })
    await client.until('caughtUp', () => client.messages.some(({ type }) => type === 'caughtUp'))
    client.send(...['t1', 't2', 't3'].map((payload) => rawFrame(Opcode.pong, payload)))
    await produce(topic, numbered(5))
    await client.until('a ping', () => client.frames.some(({ opcode }) => opcode === Opcode.ping))
    client.send(rawFrame(Opcode.close))
    await client.ends()
    expect(await committedOffsets(group, topic)).toEqual([0])
  })
})

describe('a control frame', () => {
  it.each([
    ['a ping', Opcode.ping],
    ['a pong', Opcode.pong],
    ['a close frame', Opcode.close],
  ])('is refused with 1002 where it is too long or in fragments: %s', async (_, opcode) => {
    const gateway = await startTestGateway()
    const payload = (bytes: number) => Buffer.alloc(bytes, 3)
    const wrong = [
      rawFrame(opcode, payload(126)),
      rawFrame(opcode, payload(65_536)),
      rawFrame(opcode, payload(2), { lengthBits: 16 }),
      rawFrame(opcode, payload(2), { fin: false }),
    ]
    for (const frame of wrong) {
      const client = await rawConnect(gateway)
      client.send(frame)
      expect(await client.closes()).toBe(1002)
    }
  })
})
