import { onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import type { z } from 'zod'
import { ServerMessage } from '../../src/ws/messages.ts'

export type Frame = z.output<typeof ServerMessage>
export type FrameOf<T extends Frame['type']> = Extract<Frame, { type: T }>
export type Delivered = FrameOf<'records'>['records'][number]

/** How long a test waits for something that must come, ms; far more than it takes. */
const DEADLINE_MS = 10_000
/** Frames that a failed wait shows. */
const SHOWN = 8

export interface Closed {
  readonly code: number
  readonly reason: string
}

export interface ClientOptions {
  readonly headers?: Readonly<Record<string, string>>
  readonly protocols?: readonly string[]
  /** False for a client whose WebSocket layer never answers a ping. */
  readonly autoPong?: boolean
  /** Called with every frame as it arrives. */
  readonly observe?: (frame: Frame) => void
}

/**
 * A WebSocket client that holds every frame against the schema it is documented by: one that breaks it fails the test.
 * It closes itself when the test ends.
 */
export class WsClient {
  readonly socket: WebSocket
  readonly frames: Frame[] = []
  /** Every record received, in order. */
  readonly records: Delivered[] = []
  readonly closed: Promise<Closed>
  readonly #observe: (frame: Frame) => void
  #closed: Closed | undefined
  #breach: Error | undefined
  #changed = Promise.withResolvers<void>()

  constructor(
    url: string,
    { headers, protocols = ['sluice.v1'], autoPong = true, observe = () => {} }: ClientOptions = {},
  ) {
    this.socket = new WebSocket(url, [...protocols], { headers: { ...headers }, autoPong, maxPayload: 0 })
    this.#observe = observe
    this.socket.on('message', (data, isBinary) => this.#take(data as Buffer, isBinary))
    this.closed = new Promise((resolve) => {
      this.socket.once('close', (code, reason) => {
        this.#closed = { code, reason: reason.toString('utf8') }
        resolve(this.#closed)
        this.#wake()
      })
    })
    // The close event says what there is to say.
    this.socket.on('error', () => {})
    onTestFinished(async () => {
      this.socket.terminate()
      await this.closed
      if (this.#breach !== undefined) throw this.#breach
    })
  }

  /** Resolves when the socket is open. @throws where it was refused */
  async opened(): Promise<this> {
    if (this.socket.readyState === WebSocket.CONNECTING) {
      await new Promise((resolve, reject) => {
        this.socket.once('open', resolve)
        this.socket.once('error', reject)
      })
    }
    return this
  }

  #take(data: Buffer, isBinary: boolean): void {
    const text = data.toString('utf8')
    try {
      if (isBinary) throw new Error('a binary frame')
      const frame = ServerMessage.parse(JSON.parse(text))
      this.frames.push(frame)
      if (frame.type === 'records') this.records.push(...frame.records)
      this.#observe(frame)
    } catch (cause) {
      this.#breach ??= new Error(
        `the gateway sent what asyncapi.yaml does not have: ${text.slice(0, 2_000)}`,
        { cause },
      )
    }
    this.#wake()
  }

  #wake(): void {
    this.#changed.resolve()
    this.#changed = Promise.withResolvers()
  }

  /** An object is sent as JSON, text and bytes as they are (bytes as a binary frame). */
  send(message: object | string | Buffer): void {
    this.socket.send(
      typeof message === 'string' || Buffer.isBuffer(message) ? message : JSON.stringify(message),
    )
  }

  ack(...offsets: { topic: string; partition: number; offset: number }[]): void {
    const plain = offsets.map(({ topic, partition, offset }) => ({ topic, partition, offset }))
    this.send({ type: 'ack', offsets: plain })
  }

  /** Waits until the condition holds, looking after every frame. @throws with the last frames past the deadline */
  async until(what: string, condition: () => boolean, ms = DEADLINE_MS): Promise<void> {
    let late = false
    const timer = setTimeout(() => {
      late = true
      this.#wake()
    }, ms)
    try {
      while (!condition()) {
        if (this.#breach !== undefined) throw this.#breach
        if (this.#closed !== undefined) throw new Error(`closed before ${what}: ${this.#describe()}`)
        if (late) throw new Error(`${what}: not within ${ms} ms. ${this.#describe()}`)
        await this.#changed.promise
      }
      if (this.#breach !== undefined) throw this.#breach
    } finally {
      clearTimeout(timer)
    }
  }

  /** The first frame of a type, at `from` or later, that matches; waits for it where it has not come. */
  async frame<T extends Frame['type']>(
    type: T,
    {
      from = 0,
      ms = DEADLINE_MS,
      where = () => true,
    }: {
      from?: number
      ms?: number
      where?: (frame: FrameOf<T>) => boolean
    } = {},
  ): Promise<FrameOf<T>> {
    let found: FrameOf<T> | undefined
    let seen = from
    const look = () => {
      for (; found === undefined && seen < this.frames.length; seen++) {
        const frame = this.frames[seen]!
        if (frame.type === type && where(frame as FrameOf<T>)) found = frame as FrameOf<T>
      }
      return found !== undefined
    }
    await this.until(`a frame ${type}`, look, ms)
    return found!
  }

  async received(count: number, ms?: number): Promise<Delivered[]> {
    await this.until(`${count} records`, () => this.records.length >= count, ms)
    return this.records
  }

  /** Ends the connection in order. */
  async close(code = 1000): Promise<Closed> {
    this.socket.close(code)
    return this.closed
  }

  /** Vanishes: the connection is reset. */
  destroy(): void {
    this.socket.terminate()
  }

  all<T extends Frame['type']>(type: T): FrameOf<T>[] {
    return this.frames.filter((frame): frame is FrameOf<T> => frame.type === type)
  }

  #describe(): string {
    const frames = this.frames.slice(-SHOWN).map((frame) => JSON.stringify(frame).slice(0, 300))
    const end =
      this.#closed === undefined ? 'open' : `closed with ${this.#closed.code} ${this.#closed.reason}`
    return `${end}; ${this.frames.length} frames, ${this.records.length} records; the last:\n${frames.join('\n')}`
  }
}

/** The address of a gateway's WebSocket, with a subscription where there are parameters. */
export function wsUrl(
  gateway: { readonly url: string },
  query: Readonly<Record<string, string>> = {},
): string {
  const search = new URLSearchParams(query).toString()
  return `${gateway.url.replace(/^http/, 'ws')}/v1/ws${search === '' ? '' : `?${search}`}`
}

/** Connects, and subscribes where there are parameters. */
export function connect(
  gateway: { readonly url: string },
  query: Readonly<Record<string, string>> = {},
  options?: ClientOptions,
): WsClient {
  return new WsClient(wsUrl(gateway, query), options)
}

/** What a record says of itself, for comparing. */
export function placesOf(records: readonly Delivered[]): string[] {
  return records.map(({ topic, partition, offset }) => `${topic}:${partition}:${offset}`)
}
