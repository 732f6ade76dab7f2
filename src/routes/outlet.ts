import type { OutgoingHttpHeaders } from 'node:http'
import type { Limits } from '../config/config.ts'
import { closeLingering } from '../http/lingering-close.ts'
import { takeOverFaults } from '../http/open-request.ts'
import type { ReadPace } from '../limits/read-pace.ts'
import type { Bindings } from './route.ts'

/** What is written at once, bytes: a slow link that takes a large record bit by bit doesn't look stalled. */
const WRITE_BYTES = 262_144

/**
 * The answer to a stream that lasts: written to only while the client takes it, and ended when the client is gone, or takes
 * nothing of what waits for it for wsStallMs.
 */
export class Outlet {
  readonly #env: Bindings
  readonly #limits: Limits
  readonly #pace: ReadPace
  readonly #gone = new AbortController()
  readonly #closed = Promise.withResolvers<void>()
  readonly #leave: () => void
  readonly #stallCheck: NodeJS.Timeout
  /** Bytes written and not taken by the client's system yet. */
  #waiting = 0
  #takenAt = performance.now()
  #onRoom: (() => void) | undefined
  readonly #cut = () => this.cut()
  readonly #finish = () => {
    this.release()
    this.#gone.abort()
    this.#onRoom?.()
    this.#closed.resolve()
  }

  constructor(env: Bindings, limits: Limits, pace: ReadPace) {
    this.#env = env
    this.#limits = limits
    this.#pace = pace
    const { incoming, outgoing } = env
    // What came with the request that nobody asked for: unread, it would count as a request that takes too long.
    incoming.resume()
    outgoing.on('error', () => {})
    incoming.socket.once('end', this.#cut)
    // An answer that waits for one before it on the connection is not told when that closes.
    incoming.socket.once('close', this.#finish)
    outgoing.once('close', this.#finish)
    this.#leave = takeOverFaults(incoming.socket, (error) => {
      // A stream takes its time.
      if (error.code !== 'ERR_HTTP_REQUEST_TIMEOUT') this.cut()
    })
    this.#stallCheck = setInterval(() => this.#checkStall(), Math.min(1_000, limits.wsStallMs / 4)).unref()
    if (incoming.socket.destroyed) this.#finish()
  }

  /** Aborted when the client is gone. */
  get signal(): AbortSignal {
    return this.#gone.signal
  }

  /** Whether the client has taken everything so far. */
  get isTaken(): boolean {
    return this.#waiting === 0
  }

  /** Begins the answer, headers first. */
  open(headers: OutgoingHttpHeaders): void {
    this.#env.outgoing.writeHead(200, headers)
    this.#env.outgoing.flushHeaders()
  }

  /** Writes bytes, which are kept until they are taken: wait for `writable` in between. */
  write(bytes: Buffer): void {
    if (this.signal.aborted || this.#env.outgoing.writableEnded) return
    if (this.#waiting === 0) this.#takenAt = performance.now()
    this.#pace.sent(bytes.length)
    for (let start = 0; start < bytes.length; start += WRITE_BYTES) {
      const piece = bytes.subarray(start, start + WRITE_BYTES)
      this.#waiting += piece.length
      this.#env.outgoing.write(piece, () => this.#taken(piece.length))
    }
  }

  /** Resolves when the client has taken enough, and may have more by its rate, is gone, or `over` is aborted. */
  async writable(over: AbortSignal): Promise<void> {
    const stop = () => this.#onRoom?.()
    over.addEventListener('abort', stop)
    while (!this.signal.aborted && !over.aborted) {
      const waitMs = this.#pace.opensIn()
      if (!this.#isFull() && waitMs === 0) break
      await new Promise<void>((resolve) => {
        const timer = waitMs > 0 ? setTimeout(resolve, waitMs) : undefined
        this.#onRoom = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    over.removeEventListener('abort', stop)
  }

  /** Ends the answer. Resolves when the client has it, or is gone. */
  async end({ close = false } = {}): Promise<void> {
    this.#env.outgoing.end()
    if (close) closeLingering(this.#env.incoming.socket)
    await this.#closed.promise
  }

  /** Ends the connection, whatever was still to be sent. */
  cut(): void {
    this.#env.incoming.socket.destroy()
    this.#finish()
  }

  /** Leaves the connection to whoever gives the answer, where that is not a stream after all. */
  release(): void {
    const { incoming, outgoing } = this.#env
    incoming.socket.removeListener('end', this.#cut)
    incoming.socket.removeListener('close', this.#finish)
    outgoing.removeListener('close', this.#finish)
    clearInterval(this.#stallCheck)
    this.#leave()
  }

  #isFull(): boolean {
    return this.#waiting > this.#limits.wsBufferBytes
  }

  #taken(bytes: number): void {
    this.#waiting -= bytes
    this.#takenAt = performance.now()
    if (!this.#isFull()) this.#onRoom?.()
  }

  #checkStall(): void {
    const isStalled = this.#waiting > 0 && performance.now() - this.#takenAt >= this.#limits.wsStallMs
    if (isStalled) this.cut()
  }
}
