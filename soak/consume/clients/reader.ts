import { setTimeout as pause } from 'node:timers/promises'
import { Turn } from '../../clients/client.ts'
import { runsOf } from '../history.ts'
import { type ConsumerContext, RECONNECT_MS } from './context.ts'
import { openSocket } from './socket.ts'

/** Reads a topic over WebSocket without a group, from its first record on or a cursor; goes on with its last cursor. */
export async function reader({
  urls,
  topic,
  name,
  over,
  record,
  cursor,
}: ConsumerContext & { readonly cursor?: string | undefined }): Promise<void> {
  const turn = new Turn(urls)
  while (!over.aborted) {
    const see = record.connection(name)
    const start: Record<string, string> = cursor === undefined ? { from: 'earliest' } : { cursor }
    const { socket, ended } = openSocket(turn.url, { topics: topic, ...start }, (frame) => {
      if (frame.type === 'error') record.count(frame.code)
      else if (frame.type === 'assigned') {
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
    const leave = () => socket.terminate()
    over.addEventListener('abort', leave)
    const code = await ended
    over.removeEventListener('abort', leave)
    see({ kind: 'closed' })
    if (over.aborted) return
    record.count(`closed with ${code}`)
    turn.next()
    await pause(RECONNECT_MS)
  }
}
