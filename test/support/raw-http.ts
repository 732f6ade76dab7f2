import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { until } from './until.ts'

export interface RawAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** The body where it is JSON. */
  readonly json: Record<string, unknown>
}

/** A TCP connection to a gateway, for what no HTTP client would send. Closed when the test ends. */
export class RawConnection {
  readonly socket: Socket
  #received = Buffer.alloc(0)
  readonly #closed: Promise<void>

  constructor({ url }: { readonly url: string }) {
    const { hostname, port } = new URL(url)
    this.socket = connect(Number(port), hostname)
    this.socket.on('error', () => {})
    this.socket.on('data', (chunk) => (this.#received = Buffer.concat([this.#received, chunk])))
    this.#closed = once(this.socket, 'close').then(() => {})
    onTestFinished(() => void this.socket.destroy())
  }

  /** Sends bytes as they are; text is Latin-1. */
  send(bytes: string | Buffer): this {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
    return this
  }

  /** A request head with a Host, each line as given. */
  sendHead(requestLine: string, ...headers: string[]): this {
    return this.send([requestLine, 'Host: localhost', ...headers, '', ''].join('\r\n'))
  }

  /** The next answer. */
  async answer(): Promise<RawAnswer> {
    for (;;) {
      const parsed = parse(this.#received)
      if (parsed !== undefined) {
        this.#received = this.#received.subarray(parsed.length)
        if (parsed.answer.status === 100) continue
        return parsed.answer
      }
      if (this.socket.destroyed) throw new Error(`closed without an answer, after ${this.text()}`)
      await Promise.race([once(this.socket, 'data'), this.#closed])
    }
  }

  /** Settles once the other side has closed. */
  closed(): Promise<void> {
    return this.#closed
  }

  /** What was received and is not an answer yet. */
  text(): string {
    return this.#received.toString('latin1')
  }
}

function parse(bytes: Buffer): { answer: RawAnswer; length: number } | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const [statusLine = '', ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n')
  const headers: Record<string, string> = {}
  for (const line of lines) {
    const colon = line.indexOf(':')
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim()
  }
  const length = end + 4 + Number(headers['content-length'] ?? 0)
  if (bytes.length < length) return undefined
  const body = bytes.subarray(end + 4, length).toString('utf8')
  const json = body.startsWith('{') ? (JSON.parse(body) as Record<string, unknown>) : {}
  return { answer: { status: Number(statusLine.split(' ')[1]), headers, body, json }, length }
}

/** Waits until a gateway takes no new connection. */
export async function untilRefused({ url }: { readonly url: string }): Promise<void> {
  const { hostname, port } = new URL(url)
  await until(
    () =>
      new Promise((resolve) => {
        const socket = connect(Number(port), hostname)
        socket.once('connect', () => {
          socket.destroy()
          resolve(false)
        })
        socket.once('error', () => resolve(true))
      }),
  )
}
