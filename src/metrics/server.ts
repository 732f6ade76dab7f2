import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import { listen } from '../http/server.ts'

/** Scrapers at once, and how long one may take to ask, ms. */
const MAX_CONNECTIONS = 16
const HEADERS_MS = 5_000

/** What serves the metrics, apart from everything that clients reach. */
export interface MetricsServer {
  /** Where it listens, such as http://127.0.0.1:9464. */
  readonly url: string
  close(): Promise<void>
}

/**
 * Serves a registry at /metrics, on a port of its own.
 * @throws the listen error (EADDRINUSE, ...) where the port can't be had
 */
export async function serveMetrics(
  registry: Registry,
  { host, port }: { readonly host: string; readonly port: number },
  log: Pick<Logger, 'error'>,
): Promise<MetricsServer> {
  const server = createServer(
    { headersTimeout: HEADERS_MS, requestTimeout: HEADERS_MS },
    (request, response) => {
      answer(registry, request, response).catch((error: unknown) => {
        log.error({ error }, 'the metrics could not be read')
        response.destroy()
      })
    },
  )
  server.maxConnections = MAX_CONNECTIONS
  const url = await listen(server, host, port)
  return { url, close: () => close(server) }
}

async function answer(registry: Registry, { method, url }: IncomingMessage, response: ServerResponse) {
  const [path] = (url ?? '').split('?', 1)
  if (path !== '/metrics') return end(response, 404, 'There is only /metrics here.\n')
  if (method !== 'GET' && method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD')
    return end(response, 405, 'This takes GET, HEAD.\n')
  }
  const text = await registry.metrics()
  response.setHeader('content-type', registry.contentType)
  end(response, 200, text)
}

function end(response: ServerResponse, status: number, text: string): void {
  if (!response.hasHeader('content-type')) response.setHeader('content-type', 'text/plain; charset=utf-8')
  response.writeHead(status, { 'content-length': Buffer.byteLength(text) }).end(text)
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
