import type { Logger } from 'pino'
import type { WebSocket } from 'ws'
import type { Limits } from '../config.ts'
import { Problem } from '../problem.ts'
import type { ServerMessage } from './messages.ts'

/** How long a peer may take to answer our close frame before the socket is cut, ms. */
const CLOSE_TIMEOUT_MS = 2_000
/** Payload prefix of a ping that stands for delivered records. */
const TICKET = 't'

export interface ConnectionHandlers {
  /** A text frame's bytes. */
  message(data: Buffer): void
  /** The peer has everything that was sent before the ping with this ticket. */
  pong(ticket: number): void
  /** The socket is gone. Called once. */
  closed(): void
}

/**
 * One WebSocket: what may be sent now, whether the peer is alive, and how it ends.
 *
 *   open ──► peer's close, lost connection, no pong ──────────────► closed
 *    │ └───► stalled: nothing taken for wsStallMs ──► 4508 ───────► closed
 *    └─────► fail(problem), drain() ──► close frame, 2 s ─────────► closed
 */
export class WsConnection {
  readonly #ws: WebSocket
  readonly #limits: Limits
  readonly #handlers: ConnectionHandlers
  readonly #abort = new AbortController()
  readonly log: Logger
  #waiting: (() => void)[] = []
  #alive = true
  #lastTaken = performance.now()
  readonly #heartbeat: NodeJS.Timeout
  readonly #stallCheck: NodeJS.Timeout

  constructor(ws: WebSocket, limits: Limits, log: Logger, handlers: ConnectionHandlers) {
    this.#ws = ws
    this.#limits = limits
    this.#handlers = handlers
    this.log = log
    ws.on('error', (error) => this.log.debug({ error: error.message }, 'websocket error'))
    ws.on('message', (data, isBinary) => {
      if (isBinary) this.close(1003, 'text frames only')
      else handlers.message(data as Buffer)
      // A peer that talks but doesn't listen gets no more ears: answers and pongs would pile up.
      if (this.#full()) this.#pauseReading()
    })
    ws.on('ping', () => {
      if (this.#full()) this.#pauseReading()
    })
    ws.on('pong', (data) => {
      this.#alive = true
      const text = data.toString('latin1')
      if (text.startsWith(TICKET)) handlers.pong(Number(text.slice(1)))
    })
    ws.once('close', () => this.#closed())
    this.#heartbeat = setInterval(() => this.#beat(), limits.wsPingMs).unref()
    this.#stallCheck = setInterval(() => this.#checkStall(), Math.min(1_000, limits.wsStallMs / 4)).unref()
  }

  /** Aborts when the socket is gone or about to be. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  send(message: ServerMessage): void {
    this.sendText(JSON.stringify(message))
  }

  /** Sends a text frame that has been built already. It is queued whatever its size: wait for `writable` in between. */
  sendText(text: string | Buffer): void {
    if (this.signal.aborted) return
    this.#ws.send(text, { binary: false }, () => this.#taken())
  }

  /** Sends a ping whose pong proves that everything sent before it has arrived. */
  sendTicket(ticket: number): void {
    if (!this.signal.aborted) this.#ws.ping(`${TICKET}${ticket}`)
  }

  sendError(problem: Problem, ref?: string): void {
    this.send({
      type: 'error',
      ...problem.summary(),
      ...problem.options.extra,
      ...(ref === undefined ? {} : { ref }),
    })
  }

  /** Resolves when the peer has taken enough for more to be sent, or the socket is gone. */
  async writable(): Promise<void> {
    while (this.#full() && !this.signal.aborted) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  #full(): boolean {
    return this.#ws.bufferedAmount > this.#limits.wsBufferBytes
  }

  #taken(): void {
    this.#lastTaken = performance.now()
    if (!this.#full()) this.#wake()
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }

  #pauseReading(): void {
    if (this.#ws.isPaused) return
    this.#ws.pause()
    void this.writable().then(() => this.#ws.resume())
  }

  #beat(): void {
    if (!this.#alive) {
      this.log.debug('no pong: the peer is gone')
      this.#ws.terminate()
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
    // Bytes wait behind a slow reader's backlog, pongs included: what it takes is its sign of life.
    if (performance.now() - this.#lastTaken < this.#limits.wsStallMs) return
    this.fail(new Problem('slow_consumer'))
  }

  /** Says what went wrong in an `error` frame and closes with the problem's close code. */
  fail(problem: Problem): void {
    this.sendError(problem)
    this.close(problem.row.close ?? 4400, problem.row.title)
  }

  /** Closes with a code of RFC 6455 or one of ours. The reason is cut to what a control frame can hold. */
  close(code: number, reason: string): void {
    if (this.signal.aborted) return
    this.#abort.abort()
    this.#wake()
    this.#ws.close(code, reason.slice(0, 120))
    setTimeout(() => this.#ws.terminate(), CLOSE_TIMEOUT_MS).unref()
  }

  #closed(): void {
    clearInterval(this.#heartbeat)
    clearInterval(this.#stallCheck)
    this.#abort.abort()
    this.#wake()
    this.#handlers.closed()
  }
}
