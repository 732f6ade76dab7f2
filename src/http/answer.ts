import { type IncomingMessage, ServerResponse } from 'node:http'
import type { Allowance } from '../limits/allowance.ts'
import type { TraceSpan } from '../tracing/tracing.ts'

/** What a route is, for whoever tells of its requests. */
export interface Operation {
  /** The operationId of openapi.yaml. */
  readonly id: string
  readonly method: string
  /** The path with its parameters' names, `/v1/topics/{topic}`. */
  readonly template: string
  /** Whether it writes records, changes what others depend on, or neither. */
  readonly kind: 'produce' | 'admin' | 'other'
}

/** That of a request which no route is for. */
export const NO_OPERATION: Operation = { id: 'none', method: '', template: '', kind: 'other' }

/**
 * An answer, and what is to be told of it in logs, metrics and traces once it is over. Made by Node for each request, in
 * place of its own class: a property costs nothing, where a map by request would.
 */
export class Answer<Request extends IncomingMessage = IncomingMessage> extends ServerResponse<Request> {
  /** By performance.now(). */
  readonly startedAt = performance.now()
  operation = NO_OPERATION
  /** What it is about, such as `topic:orders`, where the path doesn't say. */
  resource: string | undefined
  /** What became of the records of a produce, in a word. */
  outcome: string | undefined
  /** The code of the problem that it is. */
  code: string | undefined
  /** How many records came with the request, and how many bytes. */
  records: number | undefined
  receivedBytes: number | undefined
  /** It lasts as long as its client likes. */
  isStream = false
  span: TraceSpan | undefined
  /** Of whoever asks, where anybody has a limit. */
  allowance: Allowance | undefined
  #bytes = 0

  /** Bytes of the body. */
  get bodyBytes(): number {
    return this.req.method === 'HEAD' ? 0 : this.#bytes
  }

  /** As the log and the metrics have it: 0 where the client left before an answer began. */
  get status(): number {
    return this.headersSent ? this.statusCode : 0
  }

  get durationMs(): number {
    return performance.now() - this.startedAt
  }

  override write(...args: unknown[]): boolean {
    this.#bytes += sizeOf(args[0])
    return (super.write as (...args: unknown[]) => boolean).apply(this, args)
  }

  override end(...args: unknown[]): this {
    this.#bytes += sizeOf(args[0])
    return (super.end as (...args: unknown[]) => this).apply(this, args)
  }
}

function sizeOf(chunk: unknown): number {
  if (typeof chunk === 'string') return Buffer.byteLength(chunk)
  return chunk instanceof Uint8Array ? chunk.length : 0
}

/** Whoever is told of requests. */
export interface RequestObserver {
  /** What never became a request was refused, by a problem's code or the name of a limit. */
  refused(limit: string): void
  began(incoming: IncomingMessage, answer: Answer): void
  /** It is a stream, and has begun. */
  streams(incoming: IncomingMessage, answer: Answer): void
  /** The answer is complete, or the client gone. */
  ended(incoming: IncomingMessage, answer: Answer): void
}
