import { runsOf } from '../history.ts'
import type { Recorder } from './context.ts'
import { openSocket } from './socket.ts'

/** For how long it reads a little now and then, and how often, ms. */
const SLOW_MS = 2_000
const SIP_MS = 500

/**
 * Reads a topic from its first record on, slower and slower: a sip now and then, then nothing until the gateway must have
 * lost its patience (which it does within a second past `stallMs`, to cut the connection two seconds later). Settles
 * with its close code and its last cursor.
 */
export async function stallingReader({
  url,
  topic,
  record,
  stallMs,
}: {
  readonly url: string
  readonly topic: string
  readonly record: Recorder
  readonly stallMs: number
}): Promise<{ readonly code: number; readonly cursor: string | undefined }> {
  let cursor: string | undefined
  const see = record.connection('slow')
  const { socket, ended } = openSocket(url, { topics: topic, from: 'earliest' }, (frame) => {
    if (frame.type === 'assigned') {
      see(
        ...frame.partitions.map(({ partition, offset }) => ({
          kind: 'assigned' as const,
          partition,
          offset,
        })),
      )
    } else if (frame.type === 'records') {
      see(...runsOf(frame.records))
      cursor = frame.cursor
    }
  })
  socket.once('message', () => socket.pause())
  const sips = setInterval(() => {
    socket.resume()
    setImmediate(() => socket.pause())
  }, SIP_MS)
  setTimeout(() => clearInterval(sips), SLOW_MS)
  setTimeout(() => socket.resume(), SLOW_MS + stallMs + 1_500)
  const code = await ended
  see({ kind: 'closed' })
  return { code, cursor }
}
