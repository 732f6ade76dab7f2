import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/**
 * A plain TCP load balancer: gives each connection to the next of the gateways, past those that take none, and knows
 * nothing of HTTP. Closed when the test ends.
 */
export async function startRoundRobin(
  gateways: readonly { readonly url: string }[],
): Promise<{ readonly url: string }> {
  const sockets = new Set<Socket>()
  let turn = 0
  const keep = (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  }
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    keep(client)
    client.on('error', () => {})
    const first = turn++
    const pass = (tried: number) => {
      if (tried === gateways.length) return client.resetAndDestroy()
      const { hostname, port } = new URL(gateways[(first + tried) % gateways.length]!.url)
      const gateway = connect({ host: hostname, port: Number(port), allowHalfOpen: true, noDelay: true })
      keep(gateway)
      gateway.once('error', () => pass(tried + 1))
      gateway.once('connect', () => {
        gateway.removeAllListeners('error')
        // As it was closed on one side, so on the other.
        gateway.on('error', () => client.resetAndDestroy())
        client.once('close', () => gateway.destroy())
        gateway.once('close', () => client.destroySoon())
        client.pipe(gateway).pipe(client)
      })
    }
    pass(0)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy()
    server.close()
    await once(server, 'close')
  })
  const { port } = server.address() as { port: number }
  return { url: `http://127.0.0.1:${port}` }
}
