import { type IncomingMessage, Server, type ServerResponse } from 'node:http'
import { Server as TcpServer, type Socket } from 'node:net'
import { Server as TlsServer } from 'node:tls'
import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises'
import { tellToClose } from './pending-answer.ts'

/** How long clients may use kept-alive connections to send what they were about to send when a drain begins, ms. */
const GRACE_MS = 1_000
/** How long before new connections are refused clients may keep theirs, ms: enough for each to have one. */
const SETTLE_MS = 250
/** How long new connections are taken at most when they keep coming, ms. */
const TAKE_MS = 1_000
/** What a turn of the event loop takes at most in which there was nothing to do, ms. */
const IDLE_TURN_MS = 0.05
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
  #taken = 0
  #sendsAway = false

  constructor(server: Server) {
    this.#server = server
    // Before whatever answers.
    server.prependListener('request', (_: IncomingMessage, answer: ServerResponse) => {
      if (this.#sendsAway) answer.setHeader('connection', 'close')
    })
    server.on('connection', () => this.#taken++)
    keep(server, 'connection', this.#all)
    keep(server, server instanceof TlsServer ? 'secureConnection' : 'connection', this.#http)
  }

  /**
   * For `ms`, has every answer say that it is the last on its connection, while new ones are still taken: who comes by way
   * of a load balancer comes elsewhere. Not at the end of it, lest clients come back just when they are refused.
   */
  async sendAway(ms: number): Promise<void> {
    const settleMs = Math.min(SETTLE_MS, ms / 2)
    this.#sendAway()
    await pause(ms - settleMs)
    this.#sendsAway = false
    await pause(settleMs)
  }

  /**
   * Takes no new connections, once those that wait to be taken are: the system would reset them, and what was sent on
   * them. From then on every answer says that it is the last on its connection. Resolves then.
   */
  async refuse(): Promise<void> {
    await this.#untilNoneWaits()
    // Not http's own close(): it cuts idle connections at once, and with them the requests just sent on them.
    TcpServer.prototype.close.call(this.#server, () => this.#gone.resolve())
    this.#sendAway()
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

  #sendAway(): void {
    this.#sendsAway = true
    for (const socket of this.#http) tellToClose(socket)
  }

  /**
   * Resolves right after a turn of the event loop in which no connection came, and nothing else that took time in which one
   * could have: libuv takes one in a turn, however many wait, and looks for it at the turn's beginning.
   */
  async #untilNoneWaits(): Promise<void> {
    const deadline = performance.now() + TAKE_MS
    // To the end of this turn, the beginning of which is past.
    await turn()
    for (let began = performance.now(); began < deadline;) {
      const taken = this.#taken
      await turn()
      const ended = performance.now()
      if (taken === this.#taken && ended - began < IDLE_TURN_MS) return
      began = ended
    }
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
