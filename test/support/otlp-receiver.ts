import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished, vi } from 'vitest'

/** A span as OTLP's JSON has it, with its attributes as an object. */
export interface ExportedSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string | undefined
  readonly name: string
  readonly kind: 'internal' | 'server' | 'client' | 'producer' | 'consumer'
  readonly attributes: Readonly<Record<string, unknown>>
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[]
  readonly failed: boolean
  /** Of the process that it is from. */
  readonly resource: Readonly<Record<string, unknown>>
}

interface Attribute {
  key: string
  value: { stringValue?: string; intValue?: string | number; doubleValue?: number; boolValue?: boolean }
}
interface RawSpan {
  traceId: string
  spanId: string
  parentSpanId?: string
  name: string
  kind: number
  attributes?: Attribute[]
  links?: { traceId: string; spanId: string }[]
  status?: { code?: number }
}
interface RawExport {
  resourceSpans: { resource: { attributes: Attribute[] }; scopeSpans: { spans: RawSpan[] }[] }[]
}

const kinds = ['internal', 'internal', 'server', 'client', 'producer', 'consumer'] as const

/** What takes spans as a collector does: OTLP over HTTP, in JSON. */
export class OtlpReceiver {
  readonly url: string
  readonly spans: ExportedSpan[] = []
  /** Paths and Content-Types of what was sent. */
  readonly requests: string[] = []
  /** The headers of the last request. */
  headers: Readonly<Record<string, unknown>> = {}

  private constructor(url: string) {
    this.url = url
  }

  static async start(): Promise<OtlpReceiver> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        receiver.requests.push(`${request.method} ${request.url} ${request.headers['content-type']}`)
        receiver.headers = request.headers
        receiver.#take(JSON.parse(Buffer.concat(chunks).toString('utf8')) as RawExport)
        response.setHeader('content-type', 'application/json').end('{}')
      })
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => {
      server.close()
      server.closeAllConnections()
    })
    const receiver = new OtlpReceiver(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    return receiver
  }

  #take({ resourceSpans }: RawExport): void {
    for (const { resource, scopeSpans } of resourceSpans) {
      for (const span of scopeSpans.flatMap(({ spans }) => spans)) {
        const { traceId, spanId, parentSpanId, name, kind, links = [], status } = span
        this.spans.push({
          traceId,
          spanId,
          parentSpanId: parentSpanId || undefined,
          name,
          kind: kinds[kind]!,
          attributes: toObject(span.attributes ?? []),
          links: links.map((link) => ({ traceId: link.traceId, spanId: link.spanId })),
          failed: status?.code === 2,
          resource: toObject(resource.attributes),
        })
      }
    }
  }

  /** The one span, of those that match, that there is to be; waits for it. */
  async span(matches: (span: ExportedSpan) => boolean): Promise<ExportedSpan> {
    return vi.waitFor(() => {
      const found = this.spans.filter(matches)
      if (found.length === 1) return found[0]!
      throw new Error(`${found.length} such spans among ${this.spans.map(({ name }) => name).join(', ')}`)
    }, 10_000)
  }
}

function toObject(attributes: readonly Attribute[]): Record<string, unknown> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => {
      const { stringValue, intValue, doubleValue, boolValue } = value
      return [key, stringValue ?? (intValue === undefined ? (doubleValue ?? boolValue) : Number(intValue))]
    }),
  )
}
