import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'

/** A TCP proxy that gives each connection to the next of its targets, or the one after it where that one refuses. */
export class Balancer {
  readonly url: string
  readonly #server: Server
  readonly #ports: readonly number[]
  readonly #sockets = new Set<Socket>()
  #next = 0

  private constructor(server: Server, ports: readonly number[]) {
    this.#server = server
    this.#ports = ports
    this.url = `http://127.0.0.1:${(server.address() as { port: number }).port}`
    server.on('connection', (client) => this.#join(client, this.#next))
  }

  static async start(ports: readonly number[]): Promise<Balancer> {
    const server = createServer({ allowHalfOpen: true })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new Balancer(server, ports)
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }

  /** Tries each target once, from one on, so many having refused: whoever else connects meanwhile. */
  #join(client: Socket, turn: number, refused = 0): void {
    const port = this.#ports[turn % this.#ports.length]!
    this.#next = turn + 1
    const gateway = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    client.on('error', () => {})
    gateway.once('connect', () => {
      // It may have left already.
      if (client.destroyed) return void gateway.destroy()
      for (const [from, to] of [
        [client, gateway],
        [gateway, client],
      ] as const) {
        this.#sockets.add(from)
        from.setNoDelay(true)
        from.pipe(to)
        // Whichever end is reset, the other one learns of it.
        from.on('close', () => {
          this.#sockets.delete(from)
          if (from.errored) to.resetAndDestroy()
          else to.destroySoon()
        })
      }
    })
    gateway.on('error', () => {
      if (gateway.connecting || !this.#sockets.has(gateway)) {
        if (refused + 1 < this.#ports.length && !client.destroyed) this.#join(client, turn + 1, refused + 1)
        else client.destroy()
      }
    })
  }
}
