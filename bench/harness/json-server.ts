import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A record as `JSON.parse` gives it. */
export interface ParsedRecord {
  readonly key: string
  readonly value: unknown
}

/** The least a JSON route can do on Node: reads the body, parses it, answers. Prints its URL when it listens. */
export function serveJson(answer: (record: ParsedRecord) => object | Promise<object>): void {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', async () => {
      const bytes = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
      const text = JSON.stringify(await answer(JSON.parse(bytes.toString('utf8')) as ParsedRecord))
      response.setHeader('content-type', 'application/json')
      response.setHeader('content-length', Buffer.byteLength(text))
      response.end(text)
    })
  })
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address() as AddressInfo
    console.log(JSON.stringify({ url: `http://127.0.0.1:${port}` }))
  })
}
