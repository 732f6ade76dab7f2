import { WebSocket } from 'ws'
import { inOwnProcess } from '../harness/own-process.ts'
import { ReadMeter, type ReadResult, secondPass } from './read-meter.ts'

export interface WebSocketReaderOptions {
  readonly url: string
  readonly topic: string
  readonly records: number
  /** The gateway's process, to be watched. */
  readonly pid: number
}

interface Frame {
  readonly type: string
  readonly records: readonly { readonly partition: number; readonly offset: number }[]
}

/** How long a pass may be silent before it counts as failed, ms. */
const SILENCE_MS = 20_000

/** Reads a topic from its start over one WebSocket, parsing every frame as a client would. */
export const websocketReader = inOwnProcess(import.meta, (options: WebSocketReaderOptions) =>
  secondPass(() => readOnce(options), options.pid),
)

async function readOnce({ url, topic, records }: WebSocketReaderOptions): Promise<ReadResult> {
  const { promise, resolve, reject } = Promise.withResolvers<ReadResult>()
  const meter = new ReadMeter(records)
  const socket = new WebSocket(
    `${url.replace('http', 'ws')}/v1/ws?topics=${topic}&from=earliest`,
    'sluice.v1',
    { perMessageDeflate: false },
  )
  const silence = setTimeout(() => reject(new Error(`nothing came for ${SILENCE_MS} ms`)), SILENCE_MS)
  socket.on('message', (data: Buffer) => {
    try {
      const frame = JSON.parse(data.toString()) as Frame
      if (frame.type === 'error') throw new Error(`the gateway said ${data.toString()}`)
      if (frame.type !== 'records') return
      silence.refresh()
      for (const { partition, offset } of frame.records) meter.saw(partition, offset)
      meter.batchEnded()
      if (meter.done) resolve(meter.result())
    } catch (error) {
      reject(error as Error)
    }
  })
  socket.on('error', reject)
  socket.on('close', (code) => reject(new Error(`the gateway closed the WebSocket with ${code}`)))
  try {
    return await promise
  } finally {
    clearTimeout(silence)
    socket.terminate()
  }
}
