import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { jsonOf } from '../../history/record.ts'
import {
  type Client,
  type ClientContext,
  type ResultJson,
  resultOf,
  rest,
  RETRY_MS,
  Source,
} from '../client.ts'

const IN_FLIGHT = 32
const PER_MESSAGE = 3
/** Without an answer for so long, the socket is given up, ms. */
const SILENCE_MS = 30_000
/** With which a gateway that stops closes once it has answered all that it took. */
const DRAINED = 4503
/** Messages on one socket: then the next one is opened, at another gateway. */
const MESSAGES = 500

interface Frame {
  readonly type: string
  readonly id?: number
  readonly code?: string
  readonly outcome?: 'not_written' | 'unknown'
  readonly results?: readonly ResultJson[]
}

/**
 * Produces over one socket after another, many messages at once. What has no answer when one ends is unknown, or not written
 * where a gateway that stops has closed it in order.
 */
export const websocket: Client = async (context) => {
  const source = new Source(context)
  while (!context.over.aborted) {
    const socket = new WebSocket(`${context.url.replace('http', 'ws')}/v1/ws`)
    socket.on('error', () => {})
    const closed = new Promise<false>((resolve) => socket.once('close', () => resolve(false)))
    const opened = once(socket, 'open').then(
      () => true,
      () => false,
    )
    if (await Promise.race([opened, closed])) await converse(socket, context, source)
    else await rest(context, RETRY_MS)
  }
}

async function converse(socket: WebSocket, context: ClientContext, source: Source): Promise<void> {
  const { name, over, ledger } = context
  const sent = new Map<
    number,
    { since: number; told: (results: readonly (ResultJson | undefined)[]) => void }
  >()
  let changed = Promise.withResolvers<void>()
  let isOpen = true
  let isDraining = false
  const wake = () => {
    changed.resolve()
    changed = Promise.withResolvers()
  }
  socket.on('message', (data: Buffer) => {
    const { type, id = -1, code = '', outcome = 'unknown', results } = JSON.parse(data.toString()) as Frame
    const told = sent.get(id)?.told
    sent.delete(id)
    if (type === 'produced') told?.(results!)
    if (type === 'error') told?.(Array<ResultJson>(PER_MESSAGE).fill({ error: { code, outcome } }))
    if (type === 'draining') {
      isDraining = true
      isOpen = false
    }
    wake()
  })
  let others: ResultJson | undefined
  socket.once('close', (code) => {
    if (code === DRAINED && isDraining) others = { error: { code: 'shutting_down', outcome: 'not_written' } }
    isOpen = false
    wake()
  })
  // A gateway that stands still says nothing: the client gives it up in the end.
  const silence = setInterval(() => {
    const first = [...sent.values()][0]
    if (first !== undefined && performance.now() - first.since > SILENCE_MS) socket.terminate()
  }, 1_000)
  for (let id = 0; isOpen && !over.aborted && id < MESSAGES;) {
    if (sent.size >= IN_FLIGHT) await changed.promise
    else {
      const records = source.ofOne(PER_MESSAGE)
      const done = ledger.send(name, 'websocket', records)
      sent.set(id, {
        since: performance.now(),
        told: (results) => done(records.map((_, i) => resultOf(results[i]))),
      })
      const [[topic]] = records as [[string, string]]
      socket.send(
        JSON.stringify({ type: 'produce', id, topic, records: records.map(([, own]) => jsonOf(own)) }),
      )
      id++
      await rest(context, 5)
    }
  }
  while (sent.size > 0 && socket.readyState !== WebSocket.CLOSED) {
    await Promise.race([changed.promise, pause(1_000)])
  }
  clearInterval(silence)
  socket.terminate()
  for (const { told } of sent.values()) told(Array<typeof others>(PER_MESSAGE).fill(others))
}
