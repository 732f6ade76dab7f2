import type { IncomingMessage } from 'node:http'
import { WebSocket } from 'ws'
import { CommandError, exitCodes, GatewayError, type ProblemDocument } from '../errors.ts'
import type { Gateway } from '../gateway-client.ts'
import type { Frame, Position } from './frames.ts'

/** Frames that may wait to be printed before the socket is read no further. */
const MAX_WAITING = 4
/** Between two attempts to connect again, ms: at first and at most. */
const FIRST_PAUSE_MS = 250
const LAST_PAUSE_MS = 5_000
/** RFC 6455, section 7.4.1: going away, a connection that broke, and a restart of what stands between. */
const passing: ReadonlySet<number> = new Set([1001, 1006, 1012])
/** From here on the gateway asks to come again. */
const mayComeBack = (code: number) => code >= 4500
/** How long a group keeps the place of a connection that dropped, ms. */
const GRACE_MS = 10_000
/** How long to wait for the last commits, and for the socket to close, ms. */
const FAREWELL_MS = 3_000

/** Members of the `subscribe` message (docs/websocket.md), but for where to go on after a drop. */
export interface Subscribe {
  readonly topics: readonly string[]
  readonly group?: string | undefined
  readonly from?: string | undefined
  readonly until?: string | undefined
  readonly limit?: number | undefined
  readonly partition?: number | undefined
  readonly key?: string | undefined
  readonly header?: readonly string[] | undefined
  readonly format: 'auto' | 'text' | 'cloudevents'
  readonly isolation?: string | undefined
  /** Where to start, in place of `from`. */
  readonly positions?: readonly Position[] | undefined
}

export interface Delivery {
  readonly frame: Frame
  /** The frame's own bytes. */
  readonly bytes: Buffer
}

type Refusal = Delivery & { readonly frame: { readonly type: 'error' } }

/** What came of a connection, in order: frames, then how it ended. */
type Event = Delivery | { readonly closed: number } | { readonly failed: CommandError }

/**
 * A subscription that outlives its connections: what drops is connected again, and goes on after the last frame that was
 * dealt with; in a group, in the place it had.
 */
export class Subscription {
  readonly #gateway: Gateway
  readonly #subscribe: Subscribe
  readonly #lost: (reason: string) => void
  #socket: WebSocket | undefined
  readonly #events: Event[] = []
  #arrived = Promise.withResolvers<void>()
  /** Where to go on: after this frame, or where the partitions began. */
  #cursor: string | undefined
  #started: readonly Position[] | undefined
  #token: string | undefined
  #received = 0
  /** Of each partition the offset that a commit has to reach, by topic and partition. */
  readonly #uncommitted = new Map<string, number>()
  #committed = Promise.withResolvers<void>()
  #stopping = false
  #wake: (() => void) | undefined

  /** @param lost is told of each connection that drops, before it is made again */
  constructor(gateway: Gateway, subscribe: Subscribe, lost: (reason: string) => void) {
    this.#gateway = gateway
    this.#subscribe = subscribe
    this.#lost = lost
  }

  /**
   * The frames, until `end` or `stop`. A frame counts as dealt with when the next is asked for.
   * @throws GatewayError where the gateway refuses the subscription, or ends it for good
   * @throws CommandError where no first connection comes about
   */
  async *frames(): AsyncGenerator<Delivery> {
    let pauseMs = FIRST_PAUSE_MS
    for (let isFirst = true; ; isFirst = false) {
      try {
        for await (const delivery of this.#connection()) {
          pauseMs = FIRST_PAUSE_MS
          yield delivery
          this.#dealtWith(delivery)
          if (delivery.frame.type === 'end') return
        }
        if (this.#stopping) return
        this.#lost('the connection was lost')
      } catch (error) {
        if (this.#stopping) return
        const mayPass = error instanceof CommandError && error.exitCode === exitCodes.unavailable
        if (isFirst || !mayPass) throw error
        this.#lost(error.message)
      }
      await this.#pause(pauseMs)
      if (this.#stopping) return
      pauseMs = Math.min(pauseMs * 2, LAST_PAUSE_MS)
    }
  }

  /** In a group: everything up to and with these is processed. */
  ack(offsets: readonly Position[]): void {
    for (const { topic, partition, offset } of offsets)
      this.#uncommitted.set(`${topic} ${partition}`, offset + 1)
    this.#send({ type: 'ack', offsets })
  }

  /** Has `frames` end, once what it gave last is dealt with. */
  stop(): void {
    this.#stopping = true
    this.#arrived.resolve()
    this.#wake?.()
  }

  /** Closes the connection: in a group the last acks are committed, and the others have its partitions at once. */
  async leave(): Promise<void> {
    const socket = this.#socket
    if (socket?.readyState === WebSocket.OPEN) {
      socket.resume()
      if (this.#uncommitted.size > 0) await within(FAREWELL_MS, this.#committed.promise)
      const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
      socket.close(1000)
      await within(FAREWELL_MS, closed)
    }
    socket?.terminate()
  }

  /** One connection: its frames; it returns where another may go on. */
  async *#connection(): AsyncGenerator<Delivery> {
    this.#events.length = 0
    this.#uncommitted.clear()
    this.#socket?.terminate()
    const socket = this.#open()
    let refused: Refusal | undefined
    for (;;) {
      while (this.#events.length === 0 && !this.#stopping) {
        this.#arrived = Promise.withResolvers()
        await this.#arrived.promise
      }
      if (this.#stopping) return
      const event = this.#events.shift()!
      if (this.#events.length < MAX_WAITING && socket.isPaused) socket.resume()
      if ('failed' in event) throw event.failed
      if ('closed' in event) {
        if (passing.has(event.closed) || mayComeBack(event.closed)) return
        throw new GatewayError(
          refused?.frame ?? { code: `closed_${event.closed}`, title: 'The gateway closed the connection' },
        )
      }
      // What the gateway closes the socket for is said once, as the reason.
      if (refused !== undefined) yield refused
      refused = undefined
      if (event.frame.type === 'error') refused = event as Refusal
      else yield event
    }
  }

  #open(): WebSocket {
    const socket = new WebSocket(this.#gateway.href('/v1/ws', {}, 'ws'), 'sluice.v1', {
      perMessageDeflate: false,
      headers: this.#gateway.headers,
    })
    this.#socket = socket
    const happened = (event: Event) => {
      if (this.#socket !== socket) return
      this.#events.push(event)
      if (this.#events.length >= MAX_WAITING && socket.readyState === WebSocket.OPEN) socket.pause()
      this.#arrived.resolve()
    }
    socket.on('open', () => this.#send(this.#message()))
    socket.on('message', (data: Buffer) => {
      const frame = JSON.parse(data.toString('utf8')) as Frame
      // Not behind records that wait to be printed: leaving waits for it.
      if (frame.type === 'committed') this.#confirm(frame.offsets)
      else happened({ frame, bytes: data })
    })
    socket.on('unexpected-response', (_request, response: IncomingMessage) => {
      void readProblem(response).then((problem) => {
        happened({ failed: problem === undefined ? this.#noGateway(response) : new GatewayError(problem) })
        socket.terminate()
      })
    })
    socket.on('error', (error) => happened({ failed: this.#gateway.unreachable(error) }))
    socket.on('close', (code) => happened({ closed: code }))
    return socket
  }

  #message(): object {
    const { group, from, limit, ...rest } = this.#subscribe
    const common = {
      type: 'subscribe',
      ...rest,
      ...(group !== undefined && { group, ack: 'client', grace: GRACE_MS }),
    }
    if (this.#token !== undefined) return { ...common, from, resume: this.#token }
    const remaining = limit === undefined ? {} : { limit: limit - this.#received }
    if (this.#cursor !== undefined) return { ...common, ...remaining, cursor: this.#cursor }
    const { partition } = this.#subscribe
    if (this.#started !== undefined && group === undefined && partition === undefined)
      return { ...common, ...remaining, from, positions: this.#started }
    return { ...common, ...remaining, from }
  }

  #dealtWith({ frame }: Delivery): void {
    if (frame.type === 'resumable') this.#token = frame.token
    else if (frame.type === 'assigned' && frame.partitions.length > 0) this.#started ??= frame.partitions
    else if (frame.type === 'records') {
      this.#received += frame.records.length
      this.#cursor = frame.cursor
    }
  }

  #confirm(offsets: readonly Position[]): void {
    for (const { topic, partition, offset } of offsets) {
      const key = `${topic} ${partition}`
      if (offset >= (this.#uncommitted.get(key) ?? Infinity)) this.#uncommitted.delete(key)
    }
    if (this.#uncommitted.size > 0) return
    this.#committed.resolve()
    this.#committed = Promise.withResolvers()
  }

  #send(message: object): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message))
  }

  #noGateway({ statusCode }: IncomingMessage): CommandError {
    return new CommandError(
      exitCodes.failed,
      `${this.#gateway.url} answered ${statusCode}: no Sluice gateway, or a proxy that passes no WebSockets`,
    )
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

async function readProblem(response: IncomingMessage): Promise<ProblemDocument | undefined> {
  try {
    const pieces: Buffer[] = []
    for await (const piece of response) pieces.push(piece as Buffer)
    const body = JSON.parse(Buffer.concat(pieces).toString('utf8')) as ProblemDocument | null
    return typeof body?.code === 'string' ? body : undefined
  } catch {
    return undefined
  }
}

function within(ms: number, promise: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    void promise.then(() => {
      clearTimeout(timer)
      resolve()
    })
  })
}
