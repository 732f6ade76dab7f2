import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { inOwnProcess } from '../harness/own-process.ts'
import { usageOf } from '../harness/process-usage.ts'
import { type BurstOptions, type BurstResult, Deliveries, MARK, runBursts } from './bursts.ts'

export interface FanOutOptions extends BurstOptions {
  readonly url: string
  /** The gateway's process, to be watched. */
  readonly pid: number
}

export interface FanOutResult extends BurstResult {
  /** What the gateway's memory grew by for each reader, KB: once they wait, and at most while they are sent to. */
  readonly idleKb?: number
  readonly activeKb?: number
}

/** Sockets that are opened at the same time. */
const AT_ONCE = 50
/** In the first frame that says that all of the topic has been read. */
const CAUGHT_UP = '"caughtUp"'

/**
 * Many WebSockets that read one topic without a group. Frames are taken apart by hand and records counted by a mark in
 * their values: a thousand clients that parsed JSON would be all that the machine did.
 */
export const fanOut = inOwnProcess(import.meta, async (options: FanOutOptions): Promise<FanOutResult> => {
  const before = usageOf(options.pid)?.rssMb
  const deliveries = new Deliveries(options.readers)
  const readers = Array.from({ length: options.readers }, (_, n) => n)
  for (let first = 0; first < readers.length; first += AT_ONCE) {
    await Promise.all(readers.slice(first, first + AT_ONCE).map((n) => open(n, options, deliveries)))
  }
  const idle = usageOf(options.pid)?.rssMb
  const result = await runBursts(options, deliveries, options.pid)
  if (before === undefined || idle === undefined || result.rssMb === undefined) return result
  const kbEach = (mb: number) => ((mb - before) * 1_024) / options.readers
  return { ...result, idleKb: kbEach(idle), activeKb: kbEach(result.rssMb) }
})

/** Resolves once the reader waits for new records. */
async function open(reader: number, { url, topic }: FanOutOptions, deliveries: Deliveries): Promise<void> {
  const { hostname, port, host } = new URL(url)
  const socket = connect(Number(port), hostname).setNoDelay()
  await once(socket, 'connect')
  socket.write(
    `GET /v1/ws?topics=${topic}&from=latest HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\n` +
      'Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
  )
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let head = ''
  let frames: FrameCounter | undefined
  socket.on('data', (bytes: Buffer) => {
    if (frames !== undefined) return frames.take(bytes)
    head += bytes.toString('latin1')
    const end = head.indexOf('\r\n\r\n')
    if (end < 0 || !head.includes(CAUGHT_UP, end)) return
    if (!head.startsWith('HTTP/1.1 101 ')) return reject(new Error(head))
    frames = new FrameCounter(socket, (records) => deliveries.add(reader, records))
    resolve()
  })
  socket.on('error', reject)
  socket.on('close', () => reject(new Error('the gateway closed a WebSocket')))
  await promise
}

/** Counts marks in the payloads of frames as RFC 6455, section 5.2, has them; answers pings. */
class FrameCounter {
  readonly #socket: Socket
  readonly #counted: (records: number) => void
  #left = 0
  #rest = Buffer.alloc(0)

  constructor(socket: Socket, counted: (records: number) => void) {
    this.#socket = socket
    this.#counted = counted
  }

  take(bytes: Buffer): void {
    if (this.#rest.length > 0) bytes = Buffer.concat([this.#rest, bytes])
    this.#rest = Buffer.alloc(0)
    let marks = 0
    for (let at = 0; at < bytes.length;) {
      if (this.#left === 0) {
        const header = this.#header(bytes, at)
        if (header === 0) {
          this.#rest = Buffer.from(bytes.subarray(at))
          break
        }
        at += header
      }
      const end = Math.min(at + this.#left, bytes.length)
      for (let mark = bytes.indexOf(MARK, at); mark >= 0 && mark < end; mark = bytes.indexOf(MARK, mark + 1))
        marks++
      this.#left -= end - at
      at = end
    }
    if (marks > 0) this.#counted(marks)
  }

  /** The length of the header at `at`, 0 where it has not come as a whole. */
  #header(bytes: Buffer, at: number): number {
    const short = bytes[at + 1]
    if (short === undefined) return 0
    const length = short < 126 ? 2 : short === 126 ? 4 : 10
    if (at + length > bytes.length) return 0
    this.#left = length === 2 ? short : length === 4 ? bytes.readUInt16BE(at + 2) : bytes.readUInt32BE(at + 6)
    // An empty, masked pong: any will do for a sign of life.
    if ((bytes[at]! & 0x0f) === 0x9) this.#socket.write(Buffer.from([0x8a, 0x80, 0, 0, 0, 0]))
    return length
  }
}
