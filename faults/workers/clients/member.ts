import { setTimeout as pause } from 'node:timers/promises'
import type { Seen } from '../../history/ledger.ts'
import { type Client, type ClientContext, RETRY_MS } from '../client.ts'
import { behind, placesOf, pollsOf } from './polls.ts'
import { type FrameJson, openSocket } from './socket.ts'

interface Membership {
  /** The group, behind what the run's groups begin with. */
  readonly group: string
  /** For how long the group keeps its place where its connection drops, ms. */
  readonly graceMs?: number
}

/** A member of a group that acks by itself, each batch as a whole when it has it, until the end of the run. */
export const member =
  (membership: Membership): Client =>
  (context) =>
    belong(context, membership, context.over, 'in order')

interface Visits {
  /** How long each member stays, ms. */
  readonly stays: readonly [least: number, most: number]
  /** After so long who is there stays; without it that is at the end. */
  readonly calmAfterMs?: number
}

/** One place of a group, which members have by turns: each stays a while, and leaves in order or without a word. */
export const comingAndGoing =
  (group: string, { stays: [least, most], calmAfterMs }: Visits): Client =>
  async (context) => {
    const { random, over } = context
    const calm = calmAfterMs === undefined ? over : AbortSignal.any([over, AbortSignal.timeout(calmAfterMs)])
    for (let n = 0; !over.aborted; n++) {
      const leave = new AbortController()
      const signal = AbortSignal.any([leave.signal, over])
      const how = random() < 0.5 ? 'in order' : 'vanishing'
      const staying = belong({ ...context, name: `${context.name}m${n}` }, { group }, signal, how)
      const ms = least + random() * (most - least)
      if (await passed(ms, calm)) leave.abort()
      await staying
      await passed(random() * 500, over)
    }
  }

async function belong(
  { url, topics, name, run, ledger }: ClientContext,
  { group, graceMs }: Membership,
  over: AbortSignal,
  leaves: 'in order' | 'vanishing',
): Promise<void> {
  const own = `${run}-${group}`
  const first = {
    topics: topics.join(),
    group: own,
    from: 'earliest',
    ...(graceMs !== undefined && { grace: String(graceMs) }),
  }
  let resume: string | undefined
  while (!over.aborted) {
    const see = ledger.connection(name, own)
    const query = {
      ...{ ack: 'client', isolation: 'read_committed' },
      ...(resume === undefined ? first : { resume }),
    }
    const { socket, ended } = openSocket(url, query, (frame, socket) => {
      see(...sightsOf(frame))
      if (frame.type === 'resumable') resume = frame.token
      if (frame.type !== 'records' || over.aborted) return
      const places = behind(frame.records)
      see(...placesOf('acked', places))
      const offsets = places.map((place) => ({ ...place, offset: place.offset - 1 }))
      socket.send(JSON.stringify({ type: 'ack', offsets }))
    })
    const leave = () => {
      if (leaves === 'in order' && socket.readyState === socket.OPEN) return socket.close(1000)
      socket.removeAllListeners('message')
      socket.terminate()
    }
    over.addEventListener('abort', leave)
    const code = await ended
    over.removeEventListener('abort', leave)
    see({ f: 'closed', code: String(code) })
    if (over.aborted) return
    if (code >= 4_000 && code < 4_500) resume = undefined
    await pause(RETRY_MS)
  }
}

function sightsOf(frame: FrameJson): Seen[] {
  switch (frame.type) {
    case 'assigned':
      return placesOf('assigned', frame.partitions)
    case 'records':
      return pollsOf(frame.records)
    case 'committed':
      return placesOf('committed', frame.offsets)
    case 'revoked':
      return frame.partitions.map(({ topic, partition }) => ({ f: 'revoked', place: { topic, partition } }))
    case 'error':
      return [{ f: 'told', code: frame.code }]
    default:
      return []
  }
}

/** Whether so much time has passed before the signal came. */
function passed(ms: number, signal: AbortSignal): Promise<boolean> {
  return pause(ms, true, { signal }).catch(() => false)
}
