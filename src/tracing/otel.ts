import type { IncomingMessage } from 'node:http'
import {
  type Attributes,
  type Context,
  type Link,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Tracer,
} from '@opentelemetry/api'
import { setGlobalErrorHandler, W3CTraceContextPropagator } from '@opentelemetry/core'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
  serviceInstanceIdDetector,
} from '@opentelemetry/resources'
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import type { Logger } from 'pino'
import type { Answer } from '../http/answer.ts'
import { loggedPath } from '../http/logged-path.ts'
import { principalOf } from '../auth/principal.ts'
import type { OutgoingRecord, RecordHeader } from '../records/record.ts'
import { batchOptions, type Environment, samplerOf } from './otel-env.ts'
import { hasTraceparent, traceparentOf, TRACEPARENT, TRACESTATE } from './trace-header.ts'
import type { Delivery, Receiver, Sending, SpanAttributes, TraceSpan, Tracing } from './tracing.ts'

/** Traces that one event's records may be told to be part of; the others of it are sent all the same. */
const MAX_SPANS_PER_EVENT = 64
/** What an end of the process waits for the last spans, ms. */
const CLOSE_MS = 2_000
/** The least time between two lines of the log about spans that could not be exported, ms. */
const WARN_INTERVAL_MS = 10_000
/** Answers that say what kept them from being better. */
const SERVER_ERROR = 500

const propagator = new W3CTraceContextPropagator()
const headerGetter = {
  keys: (carrier: Carrier) => Object.keys(carrier),
  get: (carrier: Carrier, key: string) => carrier[key],
}
const headerSetter = { set: (carrier: Carrier, key: string, value: string) => void (carrier[key] = value) }
type Carrier = Record<string, string | string[] | undefined>

/** Traces by OpenTelemetry's SDK, exported as OTLP over HTTP, as the OTEL_ variables of the environment have it. */
export function startTracing(env: Environment, version: string, log: Pick<Logger, 'warn'>): Tracing {
  let warnedAt = -Infinity
  setGlobalErrorHandler((error) => {
    const now = performance.now()
    if (now - warnedAt < WARN_INTERVAL_MS) return
    warnedAt = now
    log.warn({ error }, 'spans could not be exported')
  })
  const own = resourceFromAttributes({ 'service.name': 'sluice', 'service.version': version })
  const detected = detectResources({ detectors: [serviceInstanceIdDetector, envDetector] })
  const exporter = new OTLPTraceExporter()
  const provider = new TracerProvider({
    resource: defaultResource().merge(own).merge(detected),
    sampler: samplerOf(env),
    spanProcessors: [new BatchSpanProcessor({ exporter, ...batchOptions(env) })],
  })
  return new OtelTracing(provider.getTracer('sluice', version), () => provider.shutdown())
}

class OtelSpan implements TraceSpan {
  readonly span: Span
  readonly context: Context

  constructor(span: Span, parent: Context) {
    this.span = span
    this.context = trace.setSpan(parent, span)
  }

  end(attributes?: SpanAttributes, failure?: string): void {
    if (attributes !== undefined) this.span.setAttributes(attributes)
    if (failure !== undefined) {
      this.span.setAttribute('error.type', failure)
      this.span.setStatus({ code: SpanStatusCode.ERROR })
    }
    this.span.end()
  }
}

class OtelTracing implements Tracing {
  readonly #tracer: Tracer
  readonly #shutdown: () => Promise<void>

  constructor(tracer: Tracer, shutdown: () => Promise<void>) {
    this.#tracer = tracer
    this.#shutdown = shutdown
  }

  request(incoming: IncomingMessage, answer: Answer): TraceSpan {
    const span = this.#server(incoming, incoming.method ?? '')
    answer.once('close', () => {
      const { operation, status } = answer
      if (operation.template !== '') {
        span.span.updateName(`${incoming.method} ${operation.template}`)
        span.span.setAttribute('http.route', operation.template)
      }
      const principal = principalOf(incoming)?.name
      if (principal !== undefined) span.span.setAttribute('user.id', principal)
      const failure = status === 0 ? 'client_gone' : status >= SERVER_ERROR ? String(status) : undefined
      span.end(status === 0 ? {} : { 'http.response.status_code': status }, failure)
    })
    return span
  }

  handshake(incoming: IncomingMessage): TraceSpan {
    return this.#server(incoming, `${incoming.method} ${loggedPath(incoming.url)}`)
  }

  #server(incoming: IncomingMessage, name: string): OtelSpan {
    const parent = propagator.extract(ROOT_CONTEXT, incoming.headers, headerGetter)
    const attributes: Attributes = {
      'http.request.method': incoming.method ?? '',
      'url.path': loggedPath(incoming.url),
      'url.scheme': 'encrypted' in incoming.socket ? 'https' : 'http',
      'network.protocol.version': incoming.httpVersion,
      'client.address': incoming.socket.remoteAddress ?? '',
    }
    return new OtelSpan(this.#tracer.startSpan(name, { kind: SpanKind.SERVER, attributes }, parent), parent)
  }

  sending(topic: string, records: number | undefined, parent: TraceSpan | undefined): Sending {
    const context = parent instanceof OtelSpan ? parent.context : ROOT_CONTEXT
    const attributes: Attributes = {
      ...messaging('send', 'send', topic),
      ...(records === undefined ? {} : { 'messaging.batch.message_count': records }),
    }
    const span = this.#tracer.startSpan(`send ${topic}`, { kind: SpanKind.PRODUCER, attributes }, context)
    const own = new OtelSpan(span, context)
    const headers = headersOf(own.context)
    return {
      stamp: (all) => all.map((record) => stamped(record, headers)),
      end: ({ written, records: sent }) => {
        const counts = { 'messaging.batch.message_count': sent }
        own.end(counts, written < sent ? 'not_all_written' : undefined)
      },
    }
  }

  delivered({ topic, partition, records }: Delivery, { group, span: via }: Receiver): void {
    const seen = new Set<string>()
    const links: Link[] = via instanceof OtelSpan ? [{ context: via.span.spanContext() }] : []
    for (const record of records) {
      const traceparent = traceparentOf(record)
      if (traceparent === undefined || seen.has(traceparent)) continue
      if (seen.size >= MAX_SPANS_PER_EVENT) return
      seen.add(traceparent)
      const parent = propagator.extract(ROOT_CONTEXT, { [TRACEPARENT]: traceparent }, headerGetter)
      const context = trace.getSpanContext(parent)
      // What its producer did not record makes no trace of its own here.
      if (context === undefined || (context.traceFlags & TraceFlags.SAMPLED) === 0) continue
      const attributes: Attributes = {
        ...messaging('deliver', 'process', topic),
        'messaging.destination.partition.id': String(partition),
        'messaging.kafka.offset': record.offset,
        ...(group === undefined ? {} : { 'messaging.consumer.group.name': group }),
      }
      const options = { kind: SpanKind.CONSUMER, attributes, links }
      this.#tracer.startSpan(`deliver ${topic}`, options, parent).end()
    }
  }

  async close(): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, CLOSE_MS)))
    await Promise.race([this.#shutdown().catch(() => {}), late])
    clearTimeout(timer)
  }
}

function messaging(name: string, type: 'send' | 'process', topic: string): Attributes {
  return {
    'messaging.system': 'kafka',
    'messaging.operation.name': name,
    'messaging.operation.type': type,
    'messaging.destination.name': topic,
  }
}

/** The record headers that carry a context. */
function headersOf(context: Context): readonly RecordHeader[] {
  const carrier: Carrier = {}
  propagator.inject(context, carrier, headerSetter)
  return [TRACEPARENT, TRACESTATE].flatMap((name) => {
    const value = carrier[name]
    return typeof value === 'string' ? [{ name: Buffer.from(name), value: Buffer.from(value) }] : []
  })
}

function stamped<R extends OutgoingRecord>(record: R, headers: readonly RecordHeader[]): R {
  if (hasTraceparent(record)) return record
  return { ...record, headers: record.headers.length === 0 ? headers : [...record.headers, ...headers] }
}
