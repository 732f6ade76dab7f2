import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { Line, type LineCondition } from './line.ts'

/** Kafka's number of the Produce API. */
export const PRODUCE = 0
/** Of ApiVersions, by which a broker tells what it speaks. */
const API_VERSIONS = 18
/** Of no API. */
const NO_API = 32_000
/** Of SaslHandshake, with which each login begins. */
export const SASL_HANDSHAKE = 17
/** Of EndTxn, which commits a transaction or aborts it. */
export const END_TXN = 26

/** What happens to one exchange, a request and its response. */
export interface Fault {
  /** Bytes of the request that get through before both connections are cut; below 0 from its end. */
  readonly requestBytes?: number
  /** The same of the response. 0 cuts before its first byte. */
  readonly responseBytes?: number
  /** The response is kept back, and the connection stays open. */
  readonly swallow?: boolean
  /** The response is passed on so much later, ms. */
  readonly delayMs?: number
  /** The bytes of the response from this one on are inverted; the four of its length are the first. */
  readonly flipFrom?: number
}

interface Joined {
  readonly client: Socket
  readonly broker: Socket
  readonly lines: readonly Line[]
}

interface Pending {
  readonly apiKey: number
  readonly fault: Fault
  readonly done: () => void
}

/**
 * A TCP proxy in front of one broker that understands Kafka's frames: what it does, it does to one request or response
 * of a chosen API, or to all bytes. The broker has to advertise the proxy's address.
 */
export class KafkaProxy {
  readonly port: number
  /** The port of the broker behind it; until it is set, connections are refused. */
  target: number | undefined
  /** Requests that have come through, by API. */
  readonly requests = new Map<number, number>()
  /** APIs that the broker says nothing of, as one too old for them does. */
  hidden: ReadonlySet<number> = new Set()
  /** Connections that the broker was the first to end. */
  endedByBroker = 0
  readonly #server: Server
  readonly #joined = new Set<Joined>()
  readonly #random: () => number
  #faults: Pending[] = []
  #always: Pending | undefined
  #condition: LineCondition = {}

  private constructor(server: Server, port: number, random: () => number) {
    this.#server = server
    this.port = port
    this.#random = random
    server.on('connection', (client) => this.#join(client))
  }

  static async start(random: () => number = Math.random): Promise<KafkaProxy> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new KafkaProxy(server, (server.address() as { port: number }).port, random)
  }

  /** Requests of the Produce API that have come through. */
  get produced(): number {
    return this.requests.get(PRODUCE) ?? 0
  }

  /** Connections of clients that are open now. */
  get connections(): number {
    return this.#joined.size
  }

  /** Has the next request of an API meet this fault. Resolves when it has. */
  meet(apiKey: number, fault: Fault): Promise<void> {
    return new Promise((done) => this.#faults.push({ apiKey, fault, done }))
  }

  /** Has every request of an API meet this fault from now on. */
  meetAll(apiKey: number, fault: Fault): void {
    this.#always = { apiKey, fault, done: () => {} }
  }

  /** Has all bytes meet this from now on, also those of connections that are open. */
  set condition(condition: LineCondition) {
    this.#condition = condition
    for (const { lines } of this.#joined) for (const line of lines) line.changed()
  }

  /** Lets everything through again. */
  forget(): void {
    this.#faults = []
    this.#always = undefined
    this.condition = {}
  }

  /** Cuts every connection. */
  cut(): void {
    for (const { client, broker } of this.#joined) {
      client.destroy()
      broker.destroy()
    }
  }

  /** Cuts every connection as who has forgotten it does: by RST. */
  reset(): void {
    for (const { client, broker } of this.#joined) {
      client.resetAndDestroy()
      broker.resetAndDestroy()
    }
  }

  /** Ends every connection towards the client alone: it may still send, and what it sends goes nowhere. */
  halfClose(): void {
    for (const { client, broker } of this.#joined) {
      broker.removeAllListeners('data')
      client.removeAllListeners('data')
      client.resume()
      broker.resume()
      client.end()
    }
  }

  async close(): Promise<void> {
    this.cut()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #join(client: Socket): void {
    if (this.target === undefined) return void client.destroy()
    const broker = connect(this.target, '127.0.0.1')
    const condition = () => this.#condition
    const towards = (socket: Socket) => new Line(socket, condition, this.#random)
    const [toBroker, toClient] = [towards(broker), towards(client)]
    const joined: Joined = { client, broker, lines: [toBroker, toClient] }
    this.#joined.add(joined)
    const expected = new Map<number, Pending>()
    const versions = new Set<number>()
    const sever = () => {
      client.destroy()
      broker.destroy()
    }
    for (const socket of [client, broker]) {
      socket.setNoDelay(true)
      socket.on('error', () => {})
      socket.on('close', () => {
        this.#joined.delete(joined)
        sever()
      })
    }
    broker.on('end', () => {
      if (!client.destroyed && !client.readableEnded) this.endedByBroker++
    })
    client.on(
      'data',
      frames((frame) => {
        const apiKey = frame.readInt16BE(4)
        if (apiKey === API_VERSIONS) versions.add(frame.readInt32BE(8))
        const pending = this.#take(apiKey)
        const { requestBytes } = pending?.fault ?? {}
        if (pending !== undefined && requestBytes !== undefined) {
          toBroker.write(frame.subarray(0, requestBytes), sever)
          pending.done()
          return
        }
        if (pending !== undefined) expected.set(frame.readInt32BE(8), pending)
        toBroker.write(frame)
      }),
    )
    broker.on(
      'data',
      frames((frame) => {
        const correlationId = frame.readInt32BE(4)
        const pending = expected.get(correlationId)
        expected.delete(correlationId)
        if (versions.delete(correlationId)) hide(frame, this.hidden)
        const { swallow = false, responseBytes, delayMs, flipFrom } = pending?.fault ?? {}
        if (responseBytes !== undefined) toClient.write(frame.subarray(0, responseBytes), sever)
        else if (delayMs !== undefined) setTimeout(() => toClient.write(frame), delayMs)
        else if (!swallow) toClient.write(flipFrom === undefined ? frame : flipped(frame, flipFrom))
        pending?.done()
      }),
    )
  }

  #take(apiKey: number): Pending | undefined {
    this.requests.set(apiKey, (this.requests.get(apiKey) ?? 0) + 1)
    const i = this.#faults.findIndex((pending) => pending.apiKey === apiKey)
    if (i >= 0) return this.#faults.splice(i, 1)[0]
    return this.#always?.apiKey === apiKey ? this.#always : undefined
  }
}

/** Gathers the bytes of a stream into Kafka's frames, each with the four bytes of its length. */
function frames(take: (frame: Buffer) => void): (chunk: Buffer) => void {
  let buffered = Buffer.alloc(0)
  return (chunk) => {
    buffered = Buffer.concat([buffered, chunk])
    while (buffered.length >= 4 && buffered.length >= 4 + buffered.readInt32BE(0)) {
      const end = 4 + buffered.readInt32BE(0)
      take(buffered.subarray(0, end))
      buffered = buffered.subarray(end)
    }
  }
}

/** Takes APIs out of an answer to ApiVersions, version 3 or later: size, correlation id, error, then 7 bytes for each. */
function hide(frame: Buffer, apis: ReadonlySet<number>): void {
  // A compact array: the count and one more, here below 128.
  const count = frame.readUInt8(10) - 1
  for (let i = 0, at = 11; i < count; i++, at += 7)
    if (apis.has(frame.readInt16BE(at))) frame.writeInt16BE(NO_API, at)
}

function flipped(frame: Buffer, from: number): Buffer {
  return Buffer.concat([frame.subarray(0, from), frame.subarray(from).map((byte) => byte ^ 0xff)])
}
