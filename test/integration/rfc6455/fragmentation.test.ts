// RFC 6455, section 5.4: messages in fragments.
import { describe, expect, it } from 'vitest'
import { startTestGateway } from '../../support/gateway.ts'
import { Opcode, rawConnect, rawFragments, rawFrame, rawText } from '../../support/raw-ws.ts'

const MOST_FRAGMENTS = 64
const message = '{"type":"in pieces"}'
const piecesOf = (text: string, count: number) =>
  Array.from({ length: count }, (_, n) => (n < count - 1 ? text.slice(n, n + 1) : text.slice(n)))

describe('a message in fragments', () => {
  it.each([
    ['two', [message.slice(0, 5), message.slice(5)]],
    ['a piece a byte', [...message]],
    ['as many as may be', piecesOf(message.padStart(100), MOST_FRAGMENTS)],
    ['an empty first one', ['', message]],
    ['an empty last one', [message, '']],
    ['empty ones alone around it', ['', '', message, '', '']],
  ])('is put together: %s', async (_, pieces) => {
    const client = await rawConnect(await startTestGateway())
    client.send(...rawFragments(pieces), rawText('{"type":"next"}'))
    await client.until('two answers', () => client.messages.length === 2)
    expect(client.messages.map(({ ref }) => ref)).toEqual(['in pieces', 'next'])
  })

  it('may be all empty', async () => {
    const client = await rawConnect(await startTestGateway())
    client.send(...rawFragments(['', '', '']))
    await client.until('an answer', () => client.messages.length > 0)
    expect(client.messages[0]).toMatchObject({ code: 'malformed_json' })
  })

  it('may come fragment by fragment, each when the one before was read', async () => {
    const client = await rawConnect(await startTestGateway())
    for (const [n, fragment] of rawFragments([...message]).entries()) {
      client.send(fragment, rawFrame(Opcode.ping, `${n}`))
      await client.until(
        'a pong',
        () => client.frames.filter(({ opcode }) => opcode === Opcode.pong).length > n,
      )
    }
    await client.until('an answer', () => client.messages.length > 0)
  })

  it('is refused with 1009 once its fragments are too long together', async () => {
    const client = await rawConnect(await startTestGateway({ SLUICE_WS_MAX_MESSAGE_BYTES: '2048' }))
    client.send(...rawFragments(['x'.repeat(2_000), 'x'.repeat(48), '']).slice(0, 2))
    client.send(rawFrame(Opcode.ping))
    await client.until('a pong', () => client.frames.length > 0)
    client.send(rawFrame(Opcode.continuation, 'x', { fin: false }))
    expect(await client.closes()).toBe(1009)
  })

  it.each([
    ['of bytes', 'x'],
    ['of nothing', ''],
  ])(`is refused with 1008 past ${MOST_FRAGMENTS} of them, %s`, async (_, piece) => {
    const client = await rawConnect(await startTestGateway())
    client.send(...rawFragments(Array<string>(MOST_FRAGMENTS + 1).fill(piece)))
    expect(await client.closes()).toBe(1008)
  })

  it('that never ends is refused with 1008 as soon as it has too many', async () => {
    const client = await rawConnect(await startTestGateway())
    client.send(...rawFragments(Array<string>(16_000).fill('x')).slice(0, -1))
    expect(await client.closes()).toBe(1008)
  })

  it('is refused with 1003 where it is binary', async () => {
    const client = await rawConnect(await startTestGateway())
    client.send(...rawFragments(['{', '}'], Opcode.binary))
    expect(await client.closes()).toBe(1003)
  })
})

describe('fragments out of order', () => {
  it.each<[string, Buffer[]]>([
    ['a continuation of nothing', [rawFrame(Opcode.continuation, 'x')]],
    ['one that is not the last', [rawFrame(Opcode.continuation, 'x', { fin: false })]],
    ['an empty one', [rawFrame(Opcode.continuation)]],
    ['one behind a whole message', [rawText('{}'), rawFrame(Opcode.continuation, 'x')]],
    ['one behind the last', [...rawFragments(['{', '}']), rawFrame(Opcode.continuation, 'x')]],
    ['a text message within another', [rawText('{', { fin: false }), rawText('}')]],
    ['the start of one within another', [rawText('{', { fin: false }), rawText('}', { fin: false })]],
    ['a binary one within another', [rawText('{', { fin: false }), rawFrame(Opcode.binary, 'x')]],
  ])('are refused with 1002: %s', async (_, frames) => {
    const client = await rawConnect(await startTestGateway())
    client.send(...frames)
    expect(await client.closes()).toBe(1002)
  })
})
