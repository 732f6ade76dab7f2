export interface Message {
  readonly key: Buffer
  readonly value: Buffer
}

interface Waiting {
  readonly message: Message
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Sends under way at once. The next leaves when one of them is answered, with all that has gathered. */
const IN_FLIGHT = 2

/** Gathers single messages into the sends of a Kafka client. */
export class Coalescer {
  readonly #send: (messages: readonly Message[]) => Promise<unknown>
  #waiting: Waiting[] = []
  #inFlight = 0
  #scheduled = false

  constructor(send: (messages: readonly Message[]) => Promise<unknown>) {
    this.#send = send
  }

  /** Resolves when the message is confirmed. */
  send(message: Message): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#waiting.push({ message, resolve, reject })
    this.#schedule()
    return promise
  }

  #schedule(): void {
    if (this.#scheduled || this.#inFlight >= IN_FLIGHT || this.#waiting.length === 0) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      void this.#flush()
    })
  }

  async #flush(): Promise<void> {
    const batch = this.#waiting
    this.#waiting = []
    this.#inFlight++
    try {
      await this.#send(batch.map(({ message }) => message))
      for (const { resolve } of batch) resolve()
    } catch (error) {
      for (const { reject } of batch) reject(error)
    } finally {
      this.#inFlight--
      this.#schedule()
    }
  }
}
