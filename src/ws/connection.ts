import type { Duplex } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { WebSocket } from 'ws'
import type { Limits } from '../config/config.ts'
import { Problem } from '../problems/problem.ts'
import {
  CLOSE_BAD_CLIENT,
  CLOSE_LOST,
  CLOSE_POLICY,
  CLOSE_TRY_AGAIN,
  CLOSE_UNSUPPORTED_DATA,
  GOODBYES,
  mayComeBack,
} from './close-codes.ts'
import type { ServerMessage } from './messages.ts'
import { hasUnfinished } from './unfinished-message.ts'

/** How long a peer may take to end a connection that is being closed before it is cut, ms. */
export const CLOSE_TIMEOUT_MS = 2_000
/** Payload of a ping that stands for delivered records. */
const ticketPayload = /^t(\d{1,15})$/
/** That of the ping behind the last that there is to say. */
const LAST_PAYLOAD = 'last'
/** A longer message goes out in fragments, so that a slow link that takes it bit by bit doesn't look stalled, bytes. */
const FRAGMENT_BYTES = 262_144
/** Messages, pings and pongs of one client that are handled before others have their turn. */
const TURN = 32
/** What a close frame can hold of a reason, bytes (RFC 6455, section 5.5). */
const MAX_REASON_BYTES = 123

export interface ConnectionHandlers {
  /** A text frame's bytes. */
  message(data: Buffer): void
  /** The peer has everything that was sent before the ping with this ticket. */
  pong(ticket: number): void
  /** The socket is gone. Called once. */
  closed(): void
  /** Records of so many bytes are sent. */
  sentRecords(bytes: number): void
  /** How long no more of them may be sent, ms; asked again then. */
  recordsWaitMs(): number
}

/**
 * One WebSocket: what may be sent now, whether the peer is alive, and how it ends.
 *
 *   open ──► peer's close or end, broken framing, lost connection ──┐
 *    │ ├───► no pong ───────────────────────────────────────────────┤
 *    │ ├───► stalled: nothing taken for wsStallMs ──► 4508 ─────────┤ closing, CLOSE_TIMEOUT_MS at most
 *    │ └───► a message that takes longer than wsMessageMs ──► 1008 ─┤
 *    └─────► fail(problem), close() ──► close frame ────────────────┴────────────────────────────────► closed
 */
export class WsConnection {
  readonly #ws: WebSocket
  readonly #limits: Limits
  readonly #handlers: ConnectionHandlers
  readonly #requestId: string
  readonly #abort = new AbortController()
  readonly log: Logger
  /** Messages that have come and not had their turn. */
  readonly #inbox: Buffer[] = []
  /** How many more may be handled before the event loop has gone round. */
  #turn = TURN
  #nextTurn: NodeJS.Immediate | undefined
  /** Nothing more is read until whoever holds it lets go. */
  readonly #holders = new Set<object>()
  #waiting: (() => void)[] = []
  #alive = true
  #lastTaken = performance.now()
  /** How many messages have come. */
  #messages = 0
  /** Since when one has been coming, and how many came before it. */
  #unfinished: { readonly since: number; readonly before: number } | undefined
  /** The peer has been told the last that there is to say. */
  readonly #told = Promise.withResolvers<void>()
  #cut: NodeJS.Timeout | undefined
  /** With which it was closed from here, where the peer had not closed it. */
  #ownCode: number | undefined
  /** The peer's; 1006 where it said nothing (RFC 6455, section 7.1.5). */
  #peerCode: number | undefined
  /** The peer broke the protocol. */
  #broken = false
  readonly #heartbeat: NodeJS.Timeout
  readonly #stallCheck: NodeJS.Timeout

  /** `socket` is what the WebSocket runs on. */
  constructor(
    ws: WebSocket,
    socket: Duplex,
    limits: Limits,
    log: Logger,
    requestId: string,
    handlers: ConnectionHandlers,
  ) {
    this.#ws = ws
    this.#limits = limits
    this.#handlers = handlers
    this.#requestId = requestId
    this.log = log.child({ requestId })
    ws.on('error', (error) => {
      this.log.debug({ error: error.message }, 'websocket error')
      this.#broken = true
      this.#ended()
    })
    // A peer that has ended its side can answer nothing any more: it is not sent to for ever.
    socket.once('end', () => this.#ended())
    // A long message may take longer to come than the pong to a ping, which can't overtake it.
    socket.on('data', () => (this.#alive = true))
    ws.on('message', (data, isBinary) => {
      this.#messages++
      if (this.signal.aborted) return
      if (isBinary) return this.close(CLOSE_UNSUPPORTED_DATA, 'text frames only')
      this.#inbox.push(data as Buffer)
      this.#read()
    })
    ws.on('ping', () => {
      this.#used()
      this.#regulate()
    })
    ws.on('pong', (data) => {
      this.#used()
      this.#regulate()
      const payload = data.toString('latin1')
      if (payload === LAST_PAYLOAD) this.#told.resolve()
      const ticket = ticketPayload.exec(payload)?.[1]
      if (ticket !== undefined && !this.signal.aborted) handlers.pong(Number(ticket))
    })
    ws.once('close', (code: number) => {
      this.#peerCode = code
      this.#closed()
    })
    this.#heartbeat = setInterval(() => this.#beat(), limits.wsPingMs).unref()
    const check = () => {
      this.#checkStall()
      this.#checkMessage()
    }
    const everyMs = Math.min(1_000, limits.wsStallMs / 4, limits.wsMessageMs / 4)
    this.#stallCheck = setInterval(check, everyMs).unref()
  }

  /** Aborts when the socket is gone or about to be. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  send(message: ServerMessage): void {
    this.sendText(JSON.stringify(message))
  }

  /** Sends a frame of records, which counts against what the client may read. */
  sendRecords(frame: Buffer): void {
    if (!this.signal.aborted) this.#handlers.sentRecords(frame.length)
    this.sendText(frame)
  }

  /** Sends a text frame that has been built already. It is queued whatever its size: wait for `writable` in between. */
  sendText(text: string | Buffer): void {
    if (this.signal.aborted) return
    if (text.length <= FRAGMENT_BYTES) this.#ws.send(text, { binary: false }, () => this.#taken())
    else this.#sendFragments(Buffer.from(text))
  }

  #sendFragments(bytes: Buffer): void {
    for (let start = 0; start < bytes.length;) {
      let end = Math.min(start + FRAGMENT_BYTES, bytes.length)
      // Not within a character: some clients decode each fragment by itself.
      while (end < bytes.length && (bytes[end]! & 0xc0) === 0x80) end--
      const fin = end === bytes.length
      this.#ws.send(bytes.subarray(start, end), { binary: false, fin }, () => this.#taken())
      start = end
    }
  }

  /** Sends a ping whose pong proves that everything sent before it has arrived. */
  sendTicket(ticket: number): void {
    if (!this.signal.aborted) this.#ws.ping(`t${ticket}`)
  }

  /**
   * Resolves when the peer has everything that was sent, and all that it said before it had has been handled; or after `ms`,
   * or when the socket is gone.
   */
  async exchanged(ms: number): Promise<void> {
    if (this.signal.aborted) return
    this.#ws.ping(LAST_PAYLOAD)
    const { signal } = this
    await Promise.race([this.#told.promise, pause(ms, undefined, { signal, ref: false }).catch(() => {})])
    this.#handleAll()
  }

  sendError(problem: Problem, ref?: string): void {
    const { errors, extra, outcome } = problem.options
    this.send({
      type: 'error',
      ...problem.summary(),
      ...(outcome === undefined ? {} : { outcome }),
      ...extra,
      ...(errors === undefined ? {} : { errors: [...errors] }),
      ...(ref === undefined ? {} : { ref }),
      instance: this.#requestId,
    })
  }

  /** Resolves when the peer has taken enough, and more records may be sent to it, or the socket is gone. */
  async writable(): Promise<void> {
    while (!this.signal.aborted) {
      const waitMs = this.#handlers.recordsWaitMs()
      if (!this.#full() && waitMs === 0) return
      let timer: NodeJS.Timeout | undefined
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve)
        if (waitMs > 0) timer = setTimeout(() => this.#wake(), waitMs)
      })
      clearTimeout(timer)
    }
  }

  #full(): boolean {
    return this.#ws.bufferedAmount > this.#limits.wsBufferBytes
  }

  #taken(): void {
    this.#lastTaken = performance.now()
    if (this.#full()) return
    this.#wake()
    this.#read()
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }

  /** Handles what has come, as long as it is this client's turn and it takes the answers. */
  #read(): void {
    while (this.#inbox.length > 0 && this.#turn > 0 && !this.#deaf() && !this.signal.aborted) {
      this.#used()
      this.#handlers.message(this.#inbox.shift()!)
    }
    this.#regulate()
  }

  #deaf(): boolean {
    return this.#holders.size > 0 || this.#full()
  }

  /** Has nothing more read from the peer, or again, as far as `holder` is concerned. */
  hold(holder: object, held: boolean): void {
    if (this.#holders.has(holder) === held) return
    if (held) this.#holders.add(holder)
    else this.#holders.delete(holder)
    this.#read()
  }

  #used(): void {
    this.#turn--
    this.#nextTurn ??= setImmediate(() => {
      this.#nextTurn = undefined
      this.#turn = TURN
      this.#read()
    })
  }

  /** A peer that talks faster than it is heard, or doesn't listen, gets no more ears: answers and pongs would pile up. */
  #regulate(): void {
    const hold = !this.signal.aborted && (this.#turn <= 0 || this.#inbox.length > 0 || this.#deaf())
    if (hold === this.#ws.isPaused) return
    if (hold) this.#ws.pause()
    else this.#ws.resume()
  }

  #beat(): void {
    if (this.signal.aborted) return
    if (this.#ws.bufferedAmount > 0 || this.#ws.isPaused) {
      // Pings and pongs wait behind a slow reader's backlog: what it takes is its sign of life, see #checkStall. And whom
      // we do not hear we can't find silent.
      this.#alive = true
      return
    }
    if (!this.#alive) {
      this.log.debug('no pong: the peer is gone')
      this.terminate()
      return
    }
    this.#alive = false
    this.#ws.ping()
  }

  #checkStall(): void {
    if (this.#ws.bufferedAmount === 0) {
      this.#lastTaken = performance.now()
      return
    }
    if (performance.now() - this.#lastTaken < this.#limits.wsStallMs) return
    this.fail(new Problem('slow_consumer'))
  }

  /** A message that never ends is kept in pieces, each many times its size, however well its client answers pings. */
  #checkMessage(): void {
    if (this.#ws.isPaused || !hasUnfinished(this.#ws)) {
      this.#unfinished = undefined
      return
    }
    const now = performance.now()
    if (this.#unfinished?.before !== this.#messages) {
      this.#unfinished = { since: now, before: this.#messages }
    } else if (now - this.#unfinished.since > this.#limits.wsMessageMs) {
      this.close(CLOSE_POLICY, 'the message took too long to come')
    }
  }

  /** Says what went wrong in an `error` frame and closes with the problem's close code. */
  fail(problem: Problem): void {
    this.sendError(problem)
    const { close = problem.row.retryable ? CLOSE_TRY_AGAIN : CLOSE_BAD_CLIENT, title } = problem.row
    this.close(close, title)
  }

  /** Closes with a code of RFC 6455 or one of ours. The reason is cut to what a control frame can hold. */
  close(code: number, reason: string): void {
    if (this.signal.aborted) return
    if (this.#ws.readyState === this.#ws.OPEN) this.#ownCode = code
    this.#ending()
    this.#ws.close(code, Buffer.byteLength(reason) > MAX_REASON_BYTES ? '' : reason)
  }

  /**
   * Whether the client may well be back: the connection was lost, or closed by either side with a code that says so. To
   * be asked once the socket is gone.
   */
  get dropped(): boolean {
    if (this.#ownCode !== undefined) return mayComeBack(this.#ownCode)
    return !this.#broken && this.#peerCode !== undefined && !GOODBYES.has(this.#peerCode)
  }

  /** The code that it was closed with, and whether by the gateway. To be asked once the socket is gone. */
  get closing(): { readonly code: number; readonly isOurs: boolean } {
    return { code: this.#ownCode ?? this.#peerCode ?? CLOSE_LOST, isOurs: this.#ownCode !== undefined }
  }

  /** Cuts the connection, whatever was still to be sent. */
  terminate(): void {
    this.#ws.terminate()
  }

  /** The peer has said all that it will: it counts, also what has not had its turn. */
  #ended(): void {
    this.#handleAll()
    this.#ending()
  }

  #handleAll(): void {
    while (this.#inbox.length > 0 && !this.signal.aborted) this.#handlers.message(this.#inbox.shift()!)
  }

  #ending(): void {
    if (this.#cut !== undefined) return
    this.#abort.abort()
    this.#inbox.length = 0
    this.#wake()
    this.#regulate()
    this.#cut = setTimeout(() => this.terminate(), CLOSE_TIMEOUT_MS).unref()
  }

  #closed(): void {
    this.#ended()
    clearTimeout(this.#cut)
    clearInterval(this.#heartbeat)
    clearInterval(this.#stallCheck)
    clearImmediate(this.#nextTurn)
    this.#handlers.closed()
  }
}
