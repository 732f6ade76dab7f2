import { closeLingering } from '../../http/lingering-close.ts'
import { takeOverFaults } from '../../http/open-request.ts'
import type { Bindings } from '../route.ts'
import { BodyPieces } from './body-pieces.ts'

/** The connection of a stream of records, whose answer begins before its body has ended. */
export class StreamConnection {
  readonly #env: Bindings
  readonly #leave: () => void
  #body: BodyPieces | undefined
  #isBroken = false

  constructor(env: Bindings) {
    this.#env = env
    this.#leave = takeOverFaults(env.incoming.socket, (error) => {
      // A stream takes its time; the one limit on it is that it moves.
      if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') return
      this.#isBroken = true
      this.#body?.cut()
    })
  }

  /** Begins to read the body; as BodyPieces. */
  body(arrived: (bytes: number) => void): BodyPieces {
    this.#body = new BodyPieces(this.#env.incoming, arrived)
    if (this.#isBroken) this.#body.cut()
    return this.#body
  }

  /** Closes the connection behind the answer: the rest of the body means nothing any more. */
  close(): void {
    this.#env.incoming.resume()
    closeLingering(this.#env.incoming.socket)
  }

  /** Leaves the connection to the next request, once the answer is out. */
  release(): void {
    const { incoming, outgoing } = this.#env
    const leave = () => {
      this.#leave()
      // What came behind the body was no request.
      if (this.#isBroken) closeLingering(incoming.socket)
    }
    if (outgoing.writableFinished) leave()
    else outgoing.once('finish', leave)
  }
}
