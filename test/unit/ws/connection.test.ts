import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { Duplex } from 'node:stream'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Limits } from '../../../src/config/config.ts'
import { Problem } from '../../../src/problems/problem.ts'
import { WsConnection } from '../../../src/ws/connection.ts'
import { closePayload, Opcode, rawFrame } from '../../support/raw-ws.ts'

const limits = { wsBufferBytes: 65_536, wsStallMs: 1_000, wsPingMs: 10_000, wsMessageMs: 1_000_000 } as Limits

/** A network that takes what is written at a certain rate, or nothing. */
class SlowSocket extends Duplex {
  readonly written: Buffer[] = []
  bytesPerSecond = Infinity
  #held: (() => void) | undefined

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    const take = () => {
      this.written.push(chunk)
      done()
    }
    if (this.bytesPerSecond === Infinity) take()
    else if (this.bytesPerSecond === 0) this.#held = take
    else setTimeout(take, (chunk.length / this.bytesPerSecond) * 1_000)
  }

  /** Takes everything from now on. */
  free(): void {
    this.bytesPerSecond = Infinity
    this.#held?.()
  }

  receive(...frames: Buffer[]): void {
    this.push(Buffer.concat(frames))
  }

  get sent(): Buffer {
    return Buffer.concat(this.written)
  }
}

const request = {
  method: 'GET',
  headers: {
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': randomBytes(16).toString('base64'),
  },
} as unknown as IncomingMessage

function open() {
  const socket = new SlowSocket()
  const messages: string[] = []
  const pongs: number[] = []
  let closed = 0
  let ws: WebSocket | undefined
  const server = new WebSocketServer({ noServer: true, perMessageDeflate: false })
  server.handleUpgrade(request, socket, Buffer.alloc(0), (accepted) => (ws = accepted))
  socket.written.length = 0
  const handlers = {
    message: (data: Buffer) => void messages.push(data.toString('utf8')),
    pong: (ticket: number) => void pongs.push(ticket),
    closed: () => void closed++,
    sentRecords: () => {},
    recordsWaitMs: () => 0,
  }
  const log = pino({ level: 'silent' })
  const connection = new WsConnection(ws!, socket, limits, log, 'id', handlers)
  return { socket, connection, messages, pongs, ws: ws!, closedTimes: () => closed }
}

const text = (n: number) => rawFrame(Opcode.text, String(n))
const large = 'x'.repeat(1_048_576)

describe('WsConnection', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('keeps a reader that takes a long message more slowly than the limits are', async () => {
    const { socket, connection } = open()
    socket.bytesPerSecond = 400_000
    connection.sendText(large)
    await vi.advanceTimersByTimeAsync(5_000)
    expect(connection.signal.aborted).toBe(false)
    expect(socket.sent.length).toBeGreaterThan(large.length)
  })

  it('sends a long message whole, in fragments that split no character', async () => {
    const { socket, connection } = open()
    const message = '€'.repeat(300_000)
    connection.sendText(message)
    const fragments: string[] = []
    for (let bytes = socket.sent; bytes.length > 0;) {
      const length = bytes[1] === 127 ? Number(bytes.readBigUInt64BE(2)) : bytes.readUInt16BE(2)
      const start = bytes[1] === 127 ? 10 : 4
      expect(bytes[0]).toBe((start + length === bytes.length ? 0x80 : 0) | (fragments.length === 0 ? 1 : 0))
      fragments.push(bytes.toString('utf8', start, start + length))
      bytes = bytes.subarray(start + length)
    }
    expect(fragments.join('')).toBe(message)
    expect(fragments.length).toBeGreaterThan(2)
  })

  it('closes with 4508 a reader that takes nothing for the limit, and cuts it off where it still does not', async () => {
    const { socket, connection, ws, closedTimes } = open()
    socket.bytesPerSecond = 0
    connection.sendText('waits')
    await vi.advanceTimersByTimeAsync(900)
    expect(connection.signal.aborted).toBe(false)
    await vi.advanceTimersByTimeAsync(400)
    expect(connection.signal.aborted).toBe(true)
    expect(ws.readyState).toBe(ws.CLOSING)
    await vi.advanceTimersByTimeAsync(2_000)
    expect(closedTimes()).toBe(1)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('drops a peer that answers no ping where nothing waits to be sent', async () => {
    const { connection, closedTimes } = open()
    await vi.advanceTimersByTimeAsync(19_000)
    expect(connection.signal.aborted).toBe(false)
    await vi.advanceTimersByTimeAsync(1_100)
    expect(closedTimes()).toBe(1)
  })

  it('keeps a peer from which anything comes', async () => {
    for (const frame of [rawFrame(Opcode.pong), rawFrame(Opcode.ping), text(1)]) {
      const { socket, connection } = open()
      for (let i = 0; i < 6; i++) {
        await vi.advanceTimersByTimeAsync(9_000)
        socket.receive(frame)
      }
      expect(connection.signal.aborted).toBe(false)
    }
  })

  it('keeps a peer that is sending one message for longer than it may be silent', async () => {
    const { socket, messages, closedTimes } = open()
    const frame = text(1_234)
    for (const byte of frame) {
      expect(closedTimes()).toBe(0)
      socket.push(Buffer.of(byte))
      await vi.advanceTimersByTimeAsync(limits.wsPingMs)
    }
    expect(messages).toEqual(['1234'])
  })

  it('drops a peer that stops within a message', async () => {
    const { socket, closedTimes } = open()
    socket.receive(text(1_234).subarray(0, 3))
    await vi.advanceTimersByTimeAsync(3 * limits.wsPingMs)
    expect(closedTimes()).toBe(1)
  })

  it('does not take for gone a peer that it does not listen to', async () => {
    const { socket, connection, closedTimes } = open()
    connection.hold(connection, true)
    await vi.advanceTimersByTimeAsync(3 * limits.wsPingMs)
    expect(closedTimes()).toBe(0)
    connection.hold(connection, false)
    socket.receive(rawFrame(Opcode.pong))
    await vi.advanceTimersByTimeAsync(limits.wsPingMs)
    expect(closedTimes()).toBe(0)
  })

  it('keeps a reader whose pong waits behind its backlog, as long as that moves', async () => {
    const { socket, connection } = open()
    socket.bytesPerSecond = 400_000
    for (let i = 0; i < 12; i++) connection.sendText(large)
    await vi.advanceTimersByTimeAsync(30_000)
    expect(connection.signal.aborted).toBe(false)
  })

  it('is ending when the peer has ended its side, though it takes nothing', async () => {
    const { socket, connection, closedTimes } = open()
    socket.bytesPerSecond = 0
    connection.sendText(large)
    socket.push(null)
    await vi.advanceTimersByTimeAsync(0)
    expect(connection.signal.aborted).toBe(true)
    await vi.advanceTimersByTimeAsync(2_000)
    expect(closedTimes()).toBe(1)
  })

  it('handles a few messages a turn, and reads no more until they have been', async () => {
    vi.useRealTimers()
    const { socket, messages, ws } = open()
    const all = Array.from({ length: 1_000 }, (_, n) => String(n))
    socket.receive(...all.map((n) => text(Number(n))))
    await new Promise((resolve) => process.nextTick(resolve))
    expect(messages.length).toBeGreaterThan(0)
    expect(messages.length).toBeLessThan(100)
    expect(ws.isPaused).toBe(true)
    while (messages.length < 1_000) {
      const before = messages.length
      await new Promise((resolve) => setImmediate(resolve))
      expect(messages.length - before).toBeLessThan(100)
    }
    expect(messages).toEqual(all)
    await new Promise((resolve) => setImmediate(resolve))
    expect(ws.isPaused).toBe(false)
  })

  it.each([
    ['a close frame', [rawFrame(Opcode.close, closePayload(1000))]],
    ['a frame that breaks the protocol', [rawFrame(3)]],
    ['the end of the connection', []],
  ])('handles all that came before %s', async (_, last) => {
    vi.useRealTimers()
    const { socket, messages, connection, closedTimes } = open()
    socket.receive(...Array.from({ length: 500 }, (_, n) => text(n)), ...last)
    socket.push(null)
    await vi.waitFor(() => expect(closedTimes()).toBe(1))
    expect(messages).toHaveLength(500)
    expect(connection.signal.aborted).toBe(true)
  })

  it('hears nothing more once it is closing', async () => {
    const { socket, connection, messages, pongs } = open()
    connection.close(4400, 'enough')
    socket.receive(text(1), rawFrame(Opcode.pong, 't1'))
    await vi.advanceTimersByTimeAsync(100)
    expect(messages).toEqual([])
    expect(pongs).toEqual([])
  })

  it('reads nothing while the peer does not take what was sent, and goes on when it does', async () => {
    const { socket, connection, messages } = open()
    socket.bytesPerSecond = 0
    connection.sendText(large)
    socket.receive(text(1), text(2))
    await vi.advanceTimersByTimeAsync(100)
    expect(messages).toEqual([])
    socket.free()
    await vi.advanceTimersByTimeAsync(100)
    expect(messages).toEqual(['1', '2'])
  })

  it('is writable again when enough was taken, or when it closes', async () => {
    for (const end of ['taken', 'closed']) {
      const { socket, connection } = open()
      socket.bytesPerSecond = 0
      connection.sendText(large)
      let writable = false
      void connection.writable().then(() => (writable = true))
      await vi.advanceTimersByTimeAsync(100)
      expect(writable).toBe(false)
      if (end === 'taken') socket.free()
      else connection.close(1011, '')
      await vi.advanceTimersByTimeAsync(0)
      expect(writable).toBe(true)
    }
  })

  it('hands on only pongs that carry a ticket', async () => {
    const { socket, pongs } = open()
    for (const payload of [
      '',
      't',
      'tick',
      't-1',
      't1.5',
      't1e3',
      't 1',
      'x1',
      't0x10',
      't9999999999999999',
      't7',
    ]) {
      socket.receive(rawFrame(Opcode.pong, payload))
    }
    await vi.advanceTimersByTimeAsync(0)
    expect(pongs).toEqual([7])
  })

  it('sends nothing after its close frame, closes once, and bears a reason of any length', async () => {
    const { socket, connection } = open()
    connection.close(4400, '€'.repeat(60))
    connection.close(1011, 'again')
    connection.fail(new Problem('internal_error'))
    connection.sendText('late')
    connection.sendTicket(1)
    expect(socket.sent).toEqual(Buffer.from([0x88, 2, 4400 >> 8, 4400 & 0xff]))
    await vi.advanceTimersByTimeAsync(2_000)
    expect(socket.destroyed).toBe(true)
  })

  it('tells a problem in an error frame and closes with its code, or by whether to try again', () => {
    for (const [code, close] of [
      ['slow_consumer', 4508],
      ['internal_error', 1011],
      ['invalid_request', 4400],
      ['not_enough_replicas', 4500],
    ] as const) {
      const { socket, connection } = open()
      connection.fail(
        new Problem(code, { cause: new Error('secret'), errors: [{ pointer: '/a', reason: 'no' }] }),
      )
      const closing = socket.sent.indexOf(0x88, -130)
      expect(socket.sent.toString('utf8')).toContain(`"code":"${code}"`)
      expect(socket.sent.toString('utf8')).toContain('"errors":[{"pointer":"/a","reason":"no"}]')
      expect(socket.sent.toString('utf8')).not.toContain('secret')
      expect(socket.sent.readUInt16BE(closing + 2)).toBe(close)
    }
  })
})
