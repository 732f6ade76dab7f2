import { Server } from 'node:http'
import { Server as TcpServer, type Socket } from 'node:net'
import { Server as TlsServer } from 'node:tls'
import { setImmediate as turn } from 'node:timers/promises'
import { tellToClose } from './pending-answer.ts'

/** How long clients may use kept-alive connections to send what they were about to send when a drain begins, ms. */
const GRACE_MS = 1_000
/** Between two looks at what can be closed after that, ms. */
const LOOK_MS = 100

/** The connections of an HTTP server, and how they come to their end. */
export class Connections {
  readonly #server: Server
  /** All of them: also those on which there is no TLS yet, and those that became WebSockets. */
  readonly #all = new Set<Socket>()
  /** What HTTP is spoken on. */
  readonly #http = new Set<Socket>()
  readonly #gone = Promise.withResolvers<void>()

  constructor(server: Server) {
    this.#server = server
    keep(server, 'connection', this.#all)
    keep(server, server instanceof TlsServer ? 'secureConnection' : 'connection', this.#http)
  }

  /** Has the answers that have not begun say that theirs is the last on its connection. */
  tell(): void {
    for (const socket of this.#http) tellToClose(socket)
  }

  /**
   * Takes no new connections, once those that wait to be taken are: the system would reset them, and what was sent on
   * them. Resolves then.
   */
  async refuse(): Promise<void> {
    // A whole turn of the event loop, in which it takes what waits, and the moment right after that.
    await turn()
    await turn()
    // Not http's own close(): it cuts idle connections at once, and with them the requests just sent on them.
    TcpServer.prototype.close.call(this.#server, () => this.#gone.resolve())
  }

  /**
   * To be called then. Serves what is on its way and what kept-alive connections send within a moment, and closes them.
   * Resolves when every connection is gone; those left at `deadlineMs` are cut.
   */
  async drain(deadlineMs: number): Promise<void> {
    let looks: NodeJS.Timeout | undefined
    const grace = setTimeout(
      () => (looks = setInterval(() => void this.#closeIdle(), LOOK_MS)),
      Math.min(GRACE_MS, deadlineMs / 2),
    )
    const deadline = setTimeout(() => {
      for (const socket of this.#all) socket.destroy()
    }, deadlineMs)
    await this.#gone.promise
    clearTimeout(grace)
    clearInterval(looks)
    clearTimeout(deadline)
    // Lets http's own close() clear the timer that checks its connections.
    Server.prototype.close.call(this.#server)
  }

  /** Closes what is between two requests, and what never sent one. */
  async #closeIdle(): Promise<void> {
    // Right after everything that has arrived was read. What is on the wire cannot be known.
    await turn()
    this.#server.closeIdleConnections()
    // Browsers open connections ahead of need; for http such a one is a request that begins.
    for (const socket of this.#http) if (socket.bytesRead === 0) socket.destroy()
  }
}

function keep(server: Server, event: string, sockets: Set<Socket>): void {
  server.on(event, (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
}
