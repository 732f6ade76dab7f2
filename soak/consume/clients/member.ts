import { setTimeout as pause } from 'node:timers/promises'
import { Turn } from '../../clients/client.ts'
import { runsOf, type Sight } from '../history.ts'
import { type ConsumerContext, RECONNECT_MS } from './context.ts'
import { type FrameJson, openSocket } from './socket.ts'

export interface MemberContext extends ConsumerContext {
  readonly group: string
  /** How it leaves: closing its socket in order, or cutting it. */
  readonly leaves: 'in order' | 'vanishing'
  /** For how long the group keeps its place where its connection drops, ms. */
  readonly grace?: number | undefined
}

/** A member of a group that acks by itself: each batch as a whole, when it has it. */
export async function member(context: MemberContext): Promise<void> {
  const { urls, topic, group, name, over, leaves, grace, record } = context
  const turn = new Turn(urls)
  const first = {
    topics: topic,
    group,
    from: 'earliest',
    ...(grace !== undefined && { grace: String(grace) }),
  }
  let resume: string | undefined
  while (!over.aborted) {
    const see = record.connection(name)
    const { socket, ended } = openSocket(
      turn.url,
      { ack: 'client', ...(resume === undefined ? first : { resume }) },
      (frame, socket) => {
        if (frame.type === 'error') record.count(frame.code)
        else see(...sightsOf(frame))
        if (frame.type === 'resumable') {
          if (resume !== undefined) record.count(frame.kept ? 'place kept' : 'place lost')
          resume = frame.token
        }
        if (frame.type !== 'records' || over.aborted) return
        const ack = lastOffsets(frame)
        see(...ack.map(({ partition, offset }): Sight => ({ kind: 'acked', partition, offset: offset + 1 })))
        socket.send(JSON.stringify({ type: 'ack', offsets: ack.map((place) => ({ topic, ...place })) }))
      },
    )
    const leave = () => {
      if (leaves === 'in order') return socket.close(1000)
      see({ kind: 'closed' })
      socket.removeAllListeners('message')
      socket.terminate()
    }
    over.addEventListener('abort', leave)
    const code = await ended
    over.removeEventListener('abort', leave)
    see({ kind: 'closed' })
    if (over.aborted) return
    record.count(`closed with ${code}`)
    if (code >= 4_000 && code < 4_500) resume = undefined
    turn.next()
    await pause(RECONNECT_MS)
  }
}

function sightsOf(frame: FrameJson): Sight[] {
  switch (frame.type) {
    case 'assigned':
      return frame.partitions.map(({ partition, offset }) => ({ kind: 'assigned', partition, offset }))
    case 'records':
      return runsOf(frame.records)
    case 'committed':
      return frame.offsets.map(({ partition, offset }) => ({ kind: 'committed', partition, offset }))
    case 'revoked':
      return frame.partitions.map(({ partition }) => ({ kind: 'revoked', partition }))
    default:
      return []
  }
}

/** The last record of each partition in a batch. */
function lastOffsets({ records }: FrameJson & { readonly type: 'records' }) {
  const last = new Map(records.map(({ partition, offset }) => [partition, offset]))
  return [...last].map(([partition, offset]) => ({ partition, offset }))
}
