/** What the benchmarks use of autocannon, which has no types of its own. */
declare module 'autocannon' {
  import type { EventEmitter } from 'node:events'

  export interface Request {
    readonly method: string
    readonly path: string
    readonly headers: Readonly<Record<string, string>>
    readonly body: string
  }

  interface Client {
    setRequests(requests: Request[]): void
  }

  interface Options {
    readonly url: string
    readonly connections: number
    readonly duration: number
    readonly sampleInt: number
    /** Seconds an answer may take. */
    readonly timeout: number
    readonly setupClient: (client: Client) => void
  }

  interface Result {
    /** Connection errors, with timeouts. */
    readonly errors: number
    readonly timeouts: number
    readonly statusCodeStats: Readonly<Record<string, { readonly count: number }>>
  }

  interface Instance extends EventEmitter, PromiseLike<Result> {
    on(
      event: 'response',
      listener: (client: Client, status: number, bytes: number, milliseconds: number) => void,
    ): this
    stop(): void
  }

  export default function autocannon(options: Options): Instance
}
