import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { type Client, type ClientContext, outcomeOf, type ResultJson, Turn } from './client.ts'

const IN_FLIGHT = 32
const PER_MESSAGE = 3

interface Sent {
  readonly topic: string
  readonly values: readonly string[]
  readonly since: number
}

interface Answer {
  readonly type: string
  readonly id?: number
  readonly code?: string
  readonly outcome?: 'not_written' | 'unknown'
  readonly results?: readonly ResultJson[]
}

/** Produces over one socket after another, many messages at once; what has no answer when one ends is unknown. */
export const websocket: Client = async (context) => {
  const turn = new Turn(context.urls)
  let n = 0
  const next = () => n++
  while (!context.over.aborted) {
    const socket = new WebSocket(`${turn.url.replace('http', 'ws')}/v1/ws`)
    socket.on('error', () => {})
    const opened = once(socket, 'open').then(
      () => true,
      () => false,
    )
    const closed = new Promise((resolve) => socket.once('close', resolve))
    if (await Promise.race([opened, closed.then(() => false)])) await converse(socket, context, next)
    else await pause(100)
    turn.next()
  }
}

async function converse(
  socket: WebSocket,
  { topics, name, over, tell }: ClientContext,
  next: () => number,
): Promise<void> {
  const sent = new Map<number, Sent>()
  let changed = Promise.withResolvers<void>()
  let isOpen = true
  const told = (id: number, results: readonly (ResultJson | undefined)[]) => {
    const message = sent.get(id)
    if (message === undefined) return
    sent.delete(id)
    const tookMs = performance.now() - message.since
    message.values.forEach((value, i) => {
      tell({
        value,
        route: 'websocket',
        client: name,
        topic: message.topic,
        sentAt: message.since,
        tookMs,
        ...outcomeOf(results[i]),
      })
    })
  }
  const wake = () => {
    changed.resolve()
    changed = Promise.withResolvers()
  }
  socket.on('message', (data: Buffer) => {
    const { type, id, code = '', outcome = 'unknown', results } = JSON.parse(data.toString()) as Answer
    if (type === 'produced') told(id!, results!)
    if (type === 'error' && id !== undefined)
      told(id, Array<ResultJson>(PER_MESSAGE).fill({ error: { code, outcome } }))
    if (type === 'draining') isOpen = false
    wake()
  })
  socket.once('close', () => {
    isOpen = false
    wake()
  })
  // A gateway that stands still says nothing: the client gives it up in the end.
  const silence = setInterval(() => {
    const first = [...sent.values()][0]
    if (first !== undefined && performance.now() - first.since > 30_000) socket.terminate()
  }, 1_000)
  while (isOpen && !over.aborted) {
    if (sent.size >= IN_FLIGHT) await changed.promise
    else {
      const id = next()
      const topic = topics[id % topics.length]!
      const values = Array.from({ length: PER_MESSAGE }, (_, i) => `${name}-${id}.${i}`)
      sent.set(id, { topic, values, since: performance.now() })
      const records = values.map((value) => ({ key: name, value }))
      socket.send(JSON.stringify({ type: 'produce', id, topic, records }))
      await pause(5)
    }
  }
  while (sent.size > 0 && socket.readyState === WebSocket.OPEN) await changed.promise
  clearInterval(silence)
  socket.terminate()
  for (const id of [...sent.keys()]) told(id, [])
}
