import type { IncomingMessage } from 'node:http'

/** Bytes read ahead of their taker. */
const AHEAD_BYTES = 65_536
/** What a piece costs beside its bytes, roughly. */
const PIECE_OVERHEAD_BYTES = 100

/** A request's body as it comes. While nothing is taken it is not read on, which closes the sender's TCP window. */
export class BodyPieces {
  readonly #incoming: IncomingMessage
  readonly #arrived: (bytes: number) => void
  #pieces: Buffer[] = []
  #cost = 0
  /** `complete` once all of it has come, `cut` where no more will. */
  state: 'open' | 'complete' | 'cut' = 'open'

  /** `arrived` is told of bytes when they come, and of 0 when the body ends. */
  constructor(incoming: IncomingMessage, arrived: (bytes: number) => void) {
    this.#incoming = incoming
    this.#arrived = arrived
    incoming.on('data', this.#add)
    incoming.on('end', () => this.#end('complete'))
    incoming.on('error', () => {})
    incoming.on('close', () => this.cut())
    if (incoming.destroyed) this.cut()
  }

  /** What has come since the last call. Reading goes on. */
  take(): Buffer[] {
    const pieces = this.#pieces
    this.#pieces = []
    this.#cost = 0
    if (this.state === 'open') this.#incoming.resume()
    return pieces
  }

  readonly #add = (piece: Buffer): void => {
    this.#pieces.push(piece)
    this.#cost += piece.length + PIECE_OVERHEAD_BYTES
    if (this.#cost >= AHEAD_BYTES) this.#incoming.pause()
    this.#arrived(piece.length)
  }

  /** No more of it is to come. What came before counts, though nobody had read it yet. */
  cut(): void {
    if (this.state !== 'open') return
    this.#incoming.removeListener('data', this.#add)
    for (;;) {
      const piece = this.#incoming.read() as Buffer | null
      if (piece === null) break
      this.#add(piece)
    }
    this.#end(this.#incoming.complete ? 'complete' : 'cut')
  }

  #end(state: 'complete' | 'cut'): void {
    if (this.state !== 'open') return
    this.state = state
    this.#arrived(0)
  }
}
