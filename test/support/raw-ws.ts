import { isUtf8 } from 'node:buffer'
import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

export const Opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

const DEADLINE_MS = 10_000

export interface RawFrame {
  readonly opcode: number
  readonly fin: boolean
  readonly payload: Buffer
}

export interface HttpHead {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
}

export interface HandshakeOptions {
  readonly path?: string
  readonly method?: string
  /** Of HTTP, as the request line has it. */
  readonly version?: string
  /** Sent in the same packet, right after the request. */
  readonly early?: Buffer
  /** Replaces or adds headers; null leaves one out. */
  readonly headers?: Readonly<Record<string, string | null>>
}

export interface FrameOptions {
  readonly fin?: boolean
  readonly masked?: boolean
  /** The masking key; random by default. */
  readonly key?: Buffer
  readonly rsv?: number
  /** Bits that the length is written in: the fewest that hold it by default. */
  readonly lengthBits?: 7 | 16 | 64
  /** The length that the head gives, where it is not the payload's. */
  readonly length?: bigint
}

/** One client frame (RFC 6455, section 5.2), right unless told otherwise. */
export function rawFrame(
  opcode: number,
  payload: Buffer | string = '',
  { fin = true, masked = true, rsv = 0, key = randomBytes(4), ...options }: FrameOptions = {},
): Buffer {
  const data = Buffer.from(payload)
  const { length = BigInt(data.length) } = options
  const { lengthBits = length < 126n ? 7 : length < 65_536n ? 16 : 64 } = options
  const head = Buffer.alloc({ 7: 2, 16: 4, 64: 10 }[lengthBits])
  head[0] = (fin ? 0x80 : 0) | (rsv << 4) | opcode
  head[1] = (masked ? 0x80 : 0) | (lengthBits === 7 ? Number(length) : lengthBits === 16 ? 126 : 127)
  if (lengthBits === 16) head.writeUInt16BE(Number(length), 2)
  else if (lengthBits === 64) head.writeBigUInt64BE(length, 2)
  if (!masked) return Buffer.concat([head, data])
  for (let i = 0; i < data.length; i++) data[i]! ^= key[i % 4]!
  return Buffer.concat([head, key, data])
}

/** A text frame. */
export function rawText(payload: Buffer | string, options?: FrameOptions): Buffer {
  return rawFrame(Opcode.text, payload, options)
}

/** A message in fragments, a frame each. */
export function rawFragments(pieces: readonly (Buffer | string)[], opcode: number = Opcode.text): Buffer[] {
  return pieces.map((piece, n) =>
    rawFrame(n === 0 ? opcode : Opcode.continuation, piece, { fin: n === pieces.length - 1 }),
  )
}

/** The payload of a close frame. */
export function closePayload(code: number, reason = ''): Buffer {
  const payload = Buffer.alloc(2 + Buffer.byteLength(reason))
  payload.writeUInt16BE(code)
  payload.write(reason, 2)
  return payload
}

/**
 * A client with no WebSocket library in it: it answers no ping, masks only when told to and reads only while it wants.
 * It holds every frame of the gateway against RFC 6455: one that breaks it fails the test. Destroyed when the test ends.
 */
export class RawClient {
  readonly socket: Socket
  readonly frames: RawFrame[] = []
  /** The text messages of the gateway, parsed, their fragments put together. */
  readonly messages: { readonly type: string; readonly [member: string]: unknown }[] = []
  #fragments: Buffer[] = []
  /** The body of an answer that is no 101. */
  body = ''
  #head: HttpHead | undefined
  #pending: Buffer = Buffer.alloc(0)
  #ended = false
  #breach: string | undefined
  #changed = Promise.withResolvers<void>()

  constructor(url: string) {
    const { hostname, port } = new URL(url)
    this.socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true })
    this.socket.on('error', () => {})
    this.socket.on('data', (chunk: Buffer) => this.#take(chunk))
    for (const event of ['end', 'close']) {
      this.socket.on(event, () => {
        this.#ended = true
        this.#wake()
      })
    }
    onTestFinished(() => {
      this.socket.destroy()
      if (this.#breach !== undefined) throw new Error(`the gateway breaks RFC 6455: ${this.#breach}`)
    })
  }

  /** Sends the opening handshake and reads the answer's head, or all of an answer that is no 101. */
  async handshake({
    early = Buffer.alloc(0),
    path = '/v1/ws',
    method = 'GET',
    version = '1.1',
    headers = {},
  }: HandshakeOptions = {}): Promise<HttpHead> {
    const all: Record<string, string | null> = {
      host: `${this.socket.remoteAddress ?? '127.0.0.1'}`,
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': randomBytes(16).toString('base64'),
      ...headers,
    }
    const lines = Object.entries(all).flatMap(([name, value]) =>
      value === null ? [] : [`${name}: ${value}\r\n`],
    )
    const head = Buffer.from(`${method} ${path} HTTP/${version}\r\n${lines.join('')}\r\n`)
    this.socket.write(Buffer.concat([head, early]))
    return this.answer()
  }

  /** Reads the head of an answer, or all of one that is no 101. */
  async answer(): Promise<HttpHead> {
    await this.until('an answer', () => this.#head !== undefined)
    const head = this.#head!
    if (head.status !== 101) {
      const length = Number(head.headers['content-length'])
      await this.until('a body', () => Buffer.byteLength(this.body) >= length)
    }
    return head
  }

  get problem(): Record<string, unknown> {
    return JSON.parse(this.body) as Record<string, unknown>
  }

  send(...frames: Buffer[]): void {
    this.socket.write(Buffer.concat(frames))
  }

  sendJson(message: object): void {
    this.send(rawFrame(Opcode.text, JSON.stringify(message)))
  }

  /** The gateway's close code, once it has come; 1005 for a close frame without one. */
  get closeCode(): number | undefined {
    const close = this.frames.find(({ opcode }) => opcode === Opcode.close)
    if (close === undefined) return undefined
    return close.payload.length < 2 ? 1005 : close.payload.readUInt16BE(0)
  }

  /** Whether the gateway has ended its side of the connection, or all of it. */
  get ended(): boolean {
    return this.#ended
  }

  async until(what: string, condition: () => boolean, ms = DEADLINE_MS): Promise<void> {
    let late = false
    const timer = setTimeout(() => {
      late = true
      this.#wake()
    }, ms)
    try {
      while (!condition()) {
        if (late || this.#ended) {
          const texts = this.messages.slice(-5).map((message) => JSON.stringify(message).slice(0, 300))
          throw new Error(
            `${late ? 'no' : 'ended before'} ${what}; close ${this.closeCode}; ${texts.join('\n')}`,
          )
        }
        await this.#changed.promise
      }
    } finally {
      clearTimeout(timer)
    }
  }

  /** Waits for the gateway's close frame; its code. */
  async closes(ms?: number): Promise<number> {
    await this.until('close frame', () => this.closeCode !== undefined, ms)
    return this.closeCode!
  }

  /** Waits until the gateway has ended the connection. */
  async ends(ms?: number): Promise<void> {
    await this.until('end', () => this.#ended, ms)
  }

  #wake(): void {
    this.#changed.resolve()
    this.#changed = Promise.withResolvers()
  }

  #take(chunk: Buffer): void {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk])
    if (this.#head === undefined) this.#readHead()
    if (this.#head?.status === 101) {
      while (this.#readFrame()) continue
    } else {
      this.body += this.#pending.toString('utf8')
      this.#pending = Buffer.alloc(0)
    }
    this.#wake()
  }

  #readHead(): void {
    const end = this.#pending.indexOf('\r\n\r\n')
    if (end < 0) return
    const [first = '', ...lines] = this.#pending.toString('latin1', 0, end).split('\r\n')
    this.#pending = this.#pending.subarray(end + 4)
    const headers = Object.fromEntries(
      lines.map((line) => [
        line.slice(0, line.indexOf(':')).toLowerCase(),
        line.slice(line.indexOf(':') + 1).trim(),
      ]),
    )
    this.#head = { status: Number(first.split(' ')[1]), headers }
  }

  #takeFrame(frame: RawFrame, head: Buffer): void {
    this.#check(frame, head)
    this.frames.push(frame)
    if (frame.opcode !== Opcode.text && frame.opcode !== Opcode.continuation) return
    this.#fragments.push(frame.payload)
    if (!frame.fin) return
    const message = Buffer.concat(this.#fragments)
    if (!isUtf8(message)) this.#breach ??= 'a message that is not UTF-8'
    this.messages.push(JSON.parse(message.toString('utf8')) as { type: string })
    this.#fragments = []
  }

  /** What section 5 asks of a server's frame. */
  #check({ opcode, fin, payload }: RawFrame, head: Buffer): void {
    const { length } = payload
    const isControl = opcode >= Opcode.close
    const expected = isControl ? opcode : this.#fragments.length > 0 ? Opcode.continuation : Opcode.text
    const breach = [
      this.closeCode !== undefined && 'a frame after the close frame',
      (head[0]! & 0x70) !== 0 && 'a reserved bit',
      (head[1]! & 0x80) !== 0 && 'a masked frame',
      head.length !== (length < 126 ? 2 : length < 65_536 ? 4 : 10) && 'a length that is not minimal',
      (opcode > Opcode.pong || opcode !== expected) && `opcode ${opcode} where ${expected} was due`,
      isControl && (!fin || length > 125) && 'a control frame that is long or in fragments',
    ].find((found) => found !== false)
    this.#breach ??= breach && `${breach}, ${head.toString('hex')}`
  }

  #readFrame(): boolean {
    const bytes = this.#pending
    if (bytes.length < 2) return false
    let length = bytes[1]! & 0x7f
    let at = 2
    if (length === 126) {
      if (bytes.length < 4) return false
      length = bytes.readUInt16BE(2)
      at = 4
    } else if (length === 127) {
      if (bytes.length < 10) return false
      length = Number(bytes.readBigUInt64BE(2))
      at = 10
    }
    if (bytes.length < at + length) return false
    const payload = bytes.subarray(at, at + length)
    const frame = { opcode: bytes[0]! & 0x0f, fin: (bytes[0]! & 0x80) !== 0, payload }
    this.#takeFrame(frame, bytes.subarray(0, at))
    this.#pending = bytes.subarray(at + length)
    return true
  }
}

/** Connects and shakes hands; fails where the gateway refuses. */
export async function rawConnect(
  gateway: { readonly url: string },
  query: Readonly<Record<string, string>> = {},
  early?: Buffer,
): Promise<RawClient> {
  const client = new RawClient(gateway.url)
  const search = new URLSearchParams(query).toString()
  const path = `/v1/ws${search === '' ? '' : `?${search}`}`
  const { status } = await client.handshake({ path, ...(early && { early }) })
  if (status !== 101) throw new Error(`refused with ${status}: ${client.body}`)
  return client
}
