import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** What becomes of a connection at one request: cut before it is passed on, before its answer is, or in the middle of that. */
const turns = ['none', 'none', 'request', 'none', 'answer', 'none', 'middle'] as const
type Turn = (typeof turns)[number]

export interface CuttingProxy {
  readonly url: string
  readonly cuts: () => number
  /** Cuts every connection there is. */
  readonly cutAll: () => void
}

/**
 * A load balancer that has gone mad: gives each connection to the next of the gateways, and cuts it at three of seven
 * requests, or at those of other turns. Closed when the test ends.
 */
export async function startCuttingProxy(
  gateways: readonly { readonly url: string }[],
  cutAt: readonly Turn[] = turns,
): Promise<CuttingProxy> {
  const sockets = new Set<Socket>()
  let connections = 0
  let requests = 0
  let cuts = 0
  const server = createServer((client) => {
    const { hostname, port } = new URL(gateways[connections++ % gateways.length]!.url)
    const gateway = connect(Number(port), hostname)
    let turn: Turn = 'none'
    const sever = () => {
      client.destroy()
      gateway.destroy()
    }
    const cut = () => {
      cuts++
      sever()
    }
    for (const socket of [client, gateway]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        sever()
      })
    }
    client.on('data', (bytes) => {
      turn = cutAt[requests++ % cutAt.length]!
      if (turn === 'request') cut()
      else gateway.write(bytes)
    })
    gateway.on('data', (bytes) => {
      if (turn === 'answer') cut()
      else if (turn === 'middle') client.write(bytes.subarray(0, bytes.length / 2), cut)
      else client.write(bytes)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cutAll = () => {
    for (const socket of sockets) socket.destroy()
  }
  onTestFinished(async () => {
    cutAll()
    server.close()
    await once(server, 'close')
  })
  const { port } = server.address() as { port: number }
  return { url: `http://127.0.0.1:${port}`, cuts: () => cuts, cutAll }
}
