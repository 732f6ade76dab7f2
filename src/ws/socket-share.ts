import type { StreamShare } from '../streams/slots.ts'

/** The place of a socket among its caller's streams. It is another caller's once a message says who that is. */
export class SocketShare {
  #release: (() => void) | undefined
  #isOver = false

  constructor(share: StreamShare | undefined) {
    this.#release = share?.takeStream()
  }

  /** @throws Problem too_many_streams_of_caller */
  moveTo(share: StreamShare | undefined): void {
    if (this.#isOver) return
    this.#release?.()
    this.#release = undefined
    share?.checkStream()
    this.#release = share?.takeStream()
  }

  release(): void {
    this.#isOver = true
    this.#release?.()
  }
}
