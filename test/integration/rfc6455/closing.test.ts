// RFC 6455, sections 5.5.1 and 7: how a connection ends.
import { describe, expect, it } from 'vitest'
import { startTestGateway } from '../../support/gateway.ts'
import { makeTopic } from '../../support/kafka.ts'
import { numbered, produce } from '../../support/produce.ts'
import { closePayload, Opcode, rawConnect, rawFragments, rawFrame, rawText } from '../../support/raw-ws.ts'

const close = (...args: Parameters<typeof closePayload>) => rawFrame(Opcode.close, closePayload(...args))
const closesOf = (frames: readonly { opcode: number; payload: Buffer }[]) =>
  frames.filter(({ opcode }) => opcode === Opcode.close)

describe('a close frame', () => {
  it.each([1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999])(
    'with code %s gets it back, and then the end of the connection',
    async (code) => {
      const gateway = await startTestGateway()
      for (const reason of ['', 'bye', 'é'.repeat(61)]) {
        const client = await rawConnect(gateway)
        client.send(close(code, reason))
        expect(await client.closes()).toBe(code)
        await client.ends(1_000)
      }
    },
  )

  it('may be empty', async () => {
    const client = await rawConnect(await startTestGateway())
    client.send(rawFrame(Opcode.close))
    expect(await client.closes()).toBe(1005)
    await client.ends(1_000)
  })

  it.each([0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535])(
    'with code %s, which is not for sending, is refused with 1002',
    async (code) => {
      const client = await rawConnect(await startTestGateway())
      client.send(close(code))
      expect(await client.closes()).toBe(1002)
    },
  )

  it('with half a code is refused with 1002', async () => {
    const client = await rawConnect(await startTestGateway())
    client.send(rawFrame(Opcode.close, Buffer.of(3)))
    expect(await client.closes()).toBe(1002)
  })

  it.each(['c328', 'eda080', 'e282'])(
    'with a reason that is not UTF-8, %s, is refused with 1007',
    async (hex) => {
      const client = await rawConnect(await startTestGateway())
      client.send(rawFrame(Opcode.close, Buffer.concat([closePayload(1000), Buffer.from(hex, 'hex')])))
      expect(await client.closes()).toBe(1007)
    },
  )

  it.each<[string, Buffer[]]>([
    ['messages', [rawText('{"type":"late"}')]],
    ['a second close frame', [close(1001)]],
    ['what breaks the protocol', [rawFrame(3)]],
    ['bytes that are no frame', [Buffer.alloc(100_000, 0xff)]],
  ])('is the last that is heard: %s behind it change nothing', async (_, behind) => {
    const client = await rawConnect(await startTestGateway())
    client.send(close(1000), ...behind)
    await client.ends(1_000)
    expect(client.frames.map(({ opcode }) => opcode)).toEqual([Opcode.close])
    expect(client.closeCode).toBe(1000)
  })

  it('counts between the fragments of a message, which then never was', async () => {
    const client = await rawConnect(await startTestGateway())
    const [first, last] = rawFragments(['{"type":', '"late"}'])
    client.send(first!, close(1000), last!)
    await client.ends(1_000)
    expect(client.closeCode).toBe(1000)
    expect(client.messages).toEqual([])
  })

  it('comes behind the answers to what was sent before it', async () => {
    const client = await rawConnect(await startTestGateway())
    client.send(rawText('{"type":"a"}'), rawText('{"type":"b"}'), close(1000))
    expect(await client.closes()).toBe(1000)
    expect(client.messages.map(({ ref }) => ref)).toEqual(['a', 'b'])
  })

  it('is answered while records are under way, between two messages', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    for (let from = 0; from < 500; from += 100) await produce(topic, numbered(100, { from, size: 8_000 }))
    const client = await rawConnect(gateway, { topics: topic, from: 'earliest' })
    await client.until('records', () => client.messages.some(({ type }) => type === 'records'))
    client.send(close(1000, 'enough'))
    expect(await client.closes()).toBe(1000)
    await client.ends(1_000)
  })
})

describe('both sides closing at once', () => {
  it('are each content with the other: one close frame each, and the end', async () => {
    const client = await rawConnect(await startTestGateway())
    // The gateway begins with the first frame, the client's own is on its way by then.
    client.send(rawFrame(Opcode.binary, 'x'), close(1000))
    expect(await client.closes()).toBe(1003)
    await client.ends(1_000)
    expect(closesOf(client.frames)).toHaveLength(1)
  })
})

describe('the end of the connection', () => {
  it('is the gateway’s to begin, once the closing handshake is done', async () => {
    const client = await rawConnect(await startTestGateway())
    client.send(close(1000))
    await client.ends(1_000)
    expect(client.socket.writableEnded, 'ours is still open').toBe(false)
  })

  it('comes though the client never answers a close frame', async () => {
    const client = await rawConnect(await startTestGateway())
    client.send(rawFrame(Opcode.binary, 'x'))
    expect(await client.closes()).toBe(1003)
    await client.ends(4_000)
  })

  it('comes though the client never ends its side', async () => {
    const client = await rawConnect(await startTestGateway())
    const gone = new Promise((resolve) => client.socket.once('close', resolve))
    client.send(close(1000))
    await client.closes()
    // Half open: ours is the last end, and only a reset tells that the gateway let go of it.
    const writing = setInterval(() => client.socket.write('x'), 50)
    await gone
    clearInterval(writing)
  })

  it.each<[string, (client: Awaited<ReturnType<typeof rawConnect>>) => void]>([
    ['its end', (client) => client.socket.end()],
    ['its end within a frame', (client) => client.socket.end(rawText('{"type":"half"}').subarray(0, 9))],
    ['its end within a message', (client) => client.socket.end(rawFragments(['{', '}'])[0]!)],
    ['a reset', (client) => client.socket.resetAndDestroy()],
  ])('without a close frame frees the place: %s', async (_, go) => {
    const gateway = await startTestGateway({ SLUICE_MAX_STREAMS: '1' })
    go(await rawConnect(gateway))
    const isFree = () =>
      rawConnect(gateway).then(
        () => true,
        () => false,
      )
    await expect.poll(isFree, { timeout: 3_000 }).toBe(true)
  })
})
