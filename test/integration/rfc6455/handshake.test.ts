// RFC 6455, sections 1.3 and 4.2: the opening handshake. What is the gateway's own in it is in ws-handshake.test.ts.
import { createHash, randomBytes } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { startTestGateway } from '../../support/gateway.ts'
import { type HandshakeOptions, Opcode, RawClient, rawFrame, rawText } from '../../support/raw-ws.ts'

type Headers = NonNullable<HandshakeOptions['headers']>

const opens: [name: string, headers: Headers][] = [
  ['Upgrade in odd case', { upgrade: 'WebSocket' }],
  ['Upgrade in capitals', { upgrade: 'WEBSOCKET' }],
  ['Upgrade with others before it', { upgrade: 'h2c, websocket' }],
  ['Upgrade with others behind it', { upgrade: 'WebSocket , TLS/1.0' }],
  ['Connection in odd case', { connection: 'uPGRADE' }],
  ['Connection with others', { connection: 'keep-alive, Upgrade' }],
  ['Connection without spaces', { connection: 'Upgrade,keep-alive' }],
  ['header names in odd case', { 'sec-websocket-version': null, 'SEC-WebSocket-VERSION': '13' }],
  ['spaces around values', { upgrade: '  websocket ', 'sec-websocket-version': ' 13  ' }],
  ['an empty body that is announced', { 'content-length': '0' }],
  ['headers that nobody knows', { 'x-anything': 'at all', 'sec-websocket-anything': 'too' }],
]

const refused: [name: string, request: HandshakeOptions, status: number][] = [
  ['no Upgrade', { headers: { upgrade: null } }, 426],
  ['an empty Upgrade', { headers: { upgrade: '' } }, 426],
  ['another protocol', { headers: { upgrade: 'h2c' } }, 426],
  ['a name much like it', { headers: { upgrade: 'websocket2' } }, 426],
  ['no Connection', { headers: { connection: null } }, 426],
  ['Connection without it', { headers: { connection: 'keep-alive' } }, 426],
  ['HTTP/1.0', { version: '1.0' }, 426],
  ['no version', { headers: { 'sec-websocket-version': null } }, 426],
  ...['0', '7', '8', '12', '14', '013', '13, 8', 'thirteen', ''].map(
    (version): [string, HandshakeOptions, number] => [
      `version "${version}"`,
      { headers: { 'sec-websocket-version': version } },
      426,
    ],
  ),
  ['no key', { headers: { 'sec-websocket-key': null } }, 400],
  ['an empty key', { headers: { 'sec-websocket-key': '' } }, 400],
  ...[0, 1, 15, 17, 32].map((bytes): [string, HandshakeOptions, number] => [
    `a key of ${bytes} bytes`,
    { headers: { 'sec-websocket-key': randomBytes(bytes).toString('base64') } },
    400,
  ]),
  ['a key that is not base64', { headers: { 'sec-websocket-key': '!!!!!!!!!!!!!!!!!!!!!!==' } }, 400],
  ['a key without its padding', { headers: { 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ' } }, 400],
  [
    'two keys',
    {
      headers: {
        'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
        'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
      },
    },
    400,
  ],
  ['no Host', { headers: { host: null } }, 400],
  ['two Hosts', { headers: { Host: 'other' } }, 400],
  ['POST', { method: 'POST' }, 405],
  ['a body', { headers: { 'content-length': '5' }, early: Buffer.from('hello') }, 400],
  ['a body in chunks', { headers: { 'transfer-encoding': 'chunked' }, early: Buffer.from('0\r\n\r\n') }, 400],
]

describe('a handshake', () => {
  it.each(opens)('opens a WebSocket with %s', async (_, headers) => {
    const client = new RawClient((await startTestGateway()).url)
    expect((await client.handshake({ headers })).status).toBe(101)
    client.send(rawText('{"type":"here"}'))
    await client.until('an answer', () => client.messages.length > 0)
    expect(client.messages[0]).toMatchObject({ ref: 'here' })
  })

  it.each(refused)('is refused over HTTP with %s', async (_, request, status) => {
    const gateway = await startTestGateway()
    const client = new RawClient(gateway.url)
    const head = await client.handshake(request)
    expect(head).toMatchObject({ status, headers: { 'content-type': 'application/problem+json' } })
    expect(client.problem).toMatchObject({ status })
    if (status === 426) {
      expect(head.headers).toMatchObject({ 'sec-websocket-version': '13', upgrade: 'websocket' })
    }
    expect((await new RawClient(gateway.url).handshake()).status, 'and goes on serving').toBe(101)
  })

  it('is accepted by the proof of its key', async () => {
    const gateway = await startTestGateway()
    for (let n = 0; n < 20; n++) {
      const key = randomBytes(16).toString('base64')
      const { headers } = await new RawClient(gateway.url).handshake({
        headers: { 'sec-websocket-key': key },
      })
      const proof = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
      expect(headers).toMatchObject({
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-accept': proof,
      })
    }
  })

  it.each([
    'permessage-deflate',
    'permessage-deflate; client_max_window_bits; server_no_context_takeover, x-webkit-deflate-frame',
    'x-made-up; a=1; b="two"',
    'permessage-deflate; server_max_window_bits=99',
    'nothing, of; this=is valid"',
  ])('gets no extension, whatever it offers: %s', async (offer) => {
    const client = new RawClient((await startTestGateway()).url)
    const { status, headers } = await client.handshake({ headers: { 'sec-websocket-extensions': offer } })
    expect({ status, extensions: headers['sec-websocket-extensions'] }).toEqual({ status: 101 })
    // So a compressed frame is none.
    client.send(rawText('{}', { rsv: 4 }))
    expect(await client.closes()).toBe(1002)
  })

  it.each([
    [null, undefined],
    ['sluice.v1', 'sluice.v1'],
    ['sluice.v2, sluice.v1', 'sluice.v1'],
    ['mqtt , sluice.v1,graphql-ws', 'sluice.v1'],
  ])('that offers the subprotocols %s gets %s', async (offer, chosen) => {
    const client = new RawClient((await startTestGateway()).url)
    const { status, headers } = await client.handshake({ headers: { 'sec-websocket-protocol': offer } })
    expect({ status, chosen: headers['sec-websocket-protocol'] }).toEqual({ status: 101, chosen })
  })

  it('may come byte by byte, with frames in the last packet', async () => {
    const client = new RawClient((await startTestGateway()).url)
    await new Promise((resolve) => client.socket.once('connect', resolve))
    client.socket.setNoDelay(true)
    const lines = ['GET /v1/ws HTTP/1.1', 'Host: localhost', 'Connection: Upgrade', 'Upgrade: websocket']
    const own = ['Sec-WebSocket-Version: 13', `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`]
    const bytes = Buffer.from([...lines, ...own, '', ''].join('\r\n'))
    for (const byte of bytes.subarray(0, -1)) {
      client.socket.write(Buffer.of(byte))
      await turn()
    }
    client.send(
      bytes.subarray(-1),
      rawText('{"type":"a"}'),
      rawFrame(Opcode.ping, 'b'),
      rawText('{"type":"c"}'),
    )
    expect((await client.answer()).status).toBe(101)
    await client.until('all answers', () => client.frames.length === 3)
    expect(client.messages.map(({ ref }) => ref)).toEqual(['a', 'c'])
    expect(client.frames.map(({ opcode }) => opcode)).toContain(Opcode.pong)
  })

  it('may have half of a frame in its packet', async () => {
    const client = new RawClient((await startTestGateway()).url)
    const frame = rawText('{"type":"half"}')
    await client.handshake({ early: frame.subarray(0, 7) })
    client.send(frame.subarray(7))
    await client.until('an answer', () => client.messages.length > 0)
    expect(client.messages[0]).toMatchObject({ ref: 'half' })
  })

  it('with an unmasked frame behind it is open, and then closed', async () => {
    const client = new RawClient((await startTestGateway()).url)
    expect((await client.handshake({ early: rawText('{}', { masked: false }) })).status).toBe(101)
    expect(await client.closes()).toBe(1002)
  })
})
