import type { Socket } from 'node:net'

/** What a network does to all bytes of a connection, either way. */
export interface LineCondition {
  /** Every byte comes so much later, more or less, ms. */
  readonly delayMs?: number
  readonly jitterMs?: number
  readonly bytesPerSecond?: number
  /** In pieces of so many bytes. */
  readonly sliceBytes?: number
  /** Nothing gets through until another condition is set: then all that was kept does, as TCP sends again what was lost. */
  readonly isBlackhole?: boolean
}

interface Piece {
  readonly bytes: Buffer
  readonly done: (() => void) | undefined
}

/** One direction of a connection: hands bytes on in their order, when the network lets them through. */
export class Line {
  readonly #to: Socket
  readonly #condition: () => LineCondition
  readonly #random: () => number
  #held: Piece[] = []
  /** Those whose time has not come. */
  readonly #waiting: Piece[] = []
  /** When the last byte so far is through, by performance.now(). */
  #busyUntil = 0

  constructor(to: Socket, condition: () => LineCondition, random: () => number) {
    this.#to = to
    this.#condition = condition
    this.#random = random
  }

  write(bytes: Buffer, done?: () => void): void {
    const { isBlackhole = false, sliceBytes = bytes.length } = this.#condition()
    if (isBlackhole) return void this.#held.push({ bytes, done })
    for (let start = 0; start < bytes.length; start += sliceBytes) {
      const isLast = start + sliceBytes >= bytes.length
      this.#later(bytes.subarray(start, start + sliceBytes), isLast ? done : undefined)
    }
    if (bytes.length === 0) done?.()
  }

  /** To be called when the condition has changed. */
  changed(): void {
    if (this.#condition().isBlackhole === true) return
    const held = this.#held
    this.#held = []
    for (const { bytes, done } of held) this.write(bytes, done)
  }

  #later(bytes: Buffer, done: (() => void) | undefined): void {
    const { delayMs = 0, jitterMs = 0, bytesPerSecond = Number.POSITIVE_INFINITY } = this.#condition()
    const now = performance.now()
    const arrives = now + Math.max(0, delayMs + jitterMs * (this.#random() * 2 - 1))
    this.#busyUntil = Math.max(this.#busyUntil, arrives) + (bytes.length / bytesPerSecond) * 1_000
    const piece = { bytes, done }
    this.#waiting.push(piece)
    if (this.#busyUntil <= now) this.#send(piece)
    else setTimeout(() => this.#send(piece), this.#busyUntil - now)
  }

  /** Sends what waits up to this piece: timers of one moment come in no order. */
  #send(last: Piece): void {
    for (const { bytes, done } of this.#waiting.splice(0, this.#waiting.indexOf(last) + 1)) {
      if (!this.#to.destroyed) this.#to.write(bytes, done)
    }
  }
}
