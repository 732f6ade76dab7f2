import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

export interface AnswerGate {
  readonly url: string
  /**
   * Waits for the next request whose first line matches, after `skip` others that do, and for its answer, which is never
   * passed on: the gateway has done what was asked, and its client does not know.
   */
  readonly swallow: (requestLine: RegExp, skip?: number) => Promise<void>
}

/** A proxy between a client and a gateway, closed when the test ends. Of one connection a request comes after an answer. */
export async function startAnswerGate(gateway: { readonly url: string }): Promise<AnswerGate> {
  const { hostname, port } = new URL(gateway.url)
  const sockets = new Set<Socket>()
  let wanted: { readonly line: RegExp; skip: number; readonly done: () => void } | undefined

  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname)
    let swallowed: (() => void) | undefined
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        client.destroy()
        upstream.destroy()
      })
    }
    client.on('data', (bytes) => {
      if (wanted?.line.test(bytes.toString('latin1').split('\r\n', 1)[0]!) === true && wanted.skip-- === 0) {
        swallowed = wanted.done
        wanted = undefined
      }
      upstream.write(bytes)
    })
    upstream.on('data', (bytes) => {
      if (swallowed === undefined) client.write(bytes)
      else swallowed()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy()
    server.close()
    await once(server, 'close')
  })
  return {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    swallow: (line, skip = 0) => new Promise((done) => (wanted = { line, skip, done })),
  }
}
