import type { IncomingMessage } from 'node:http'
import type { Answer } from '../http/answer.ts'
import type { FetchedRecord } from '../records/fetched-record.ts'
import type { OutgoingRecord } from '../records/record.ts'

/** A span under way; what it is made of is the tracer's own business. */
export interface TraceSpan {
  end(attributes?: SpanAttributes, failure?: string): void
}

export type SpanAttributes = Readonly<Record<string, string | number>>

/** Records on their way into a topic. */
export interface Sending {
  /** The same records, each with the context that its readers go on from, unless it brings one of its own. */
  stamp<R extends OutgoingRecord>(records: readonly R[]): readonly R[]
  /** What became of them. */
  end(counts: { readonly written: number; readonly records: number }): void
}

/** Records that a client was sent. */
export interface Delivery {
  readonly topic: string
  readonly partition: number
  readonly records: readonly FetchedRecord[]
}

/** Who was sent them. */
export interface Receiver {
  readonly group?: string | undefined
  /** Of the request that they are the answer to. */
  readonly span?: TraceSpan | undefined
}

/**
 * Traces with W3C Trace Context. There is a tracer only where one is configured: whoever has none asks nothing of it, and
 * nothing of OpenTelemetry is loaded.
 */
export interface Tracing {
  /** Begins the span of a request, in the trace that it says it is part of. */
  request(incoming: IncomingMessage, answer: Answer): TraceSpan
  /** The same of a WebSocket's handshake. */
  handshake(incoming: IncomingMessage): TraceSpan
  sending(topic: string, records: number | undefined, parent: TraceSpan | undefined): Sending
  /** A span for each trace that one of the records is part of, up to a bound. */
  delivered(delivery: Delivery, receiver: Receiver): void
  /** Resolves when what has ended is exported, or a moment later. */
  close(): Promise<void>
}

/** Has records written, in a span where there is a tracer. */
export function tracedWrite<T extends { readonly outcome: string }>(
  tracing: Tracing | undefined,
  topic: string,
  records: readonly OutgoingRecord[],
  parent: TraceSpan | undefined,
  write: (records: readonly OutgoingRecord[]) => Promise<T[]>,
): Promise<T[]> {
  if (tracing === undefined) return write(records)
  const sending = tracing.sending(topic, records.length, parent)
  return write(sending.stamp(records)).then(
    (results) => {
      const written = results.filter(({ outcome }) => outcome === 'written').length
      sending.end({ written, records: results.length })
      return results
    },
    (error: unknown) => {
      sending.end({ written: 0, records: records.length })
      throw error
    },
  )
}
