import { quantile } from '../../bench/harness/statistics.ts'
import { now } from '../history/events.ts'
import { openSocket } from '../workers/clients/socket.ts'
import { call } from '../workers/http.ts'
import type { Scene } from './scenario.ts'
import { within } from './targets.ts'

/** Between two records, ms. */
const EVERY_MS = 50
/** How long the last ones may be on their way, ms. */
const LAST_MS = 15_000

/** How soon small records came to one who reads at once, from before they were sent, ms. */
export interface Pulse {
  readonly p99: number
  /** So many were written and never came. */
  readonly lost: number
}

/** Writes a small record again and again, and reads each over a WebSocket at once, for as long as something takes. */
export async function pulse(scene: Scene, topic: string, meanwhile: () => Promise<void>): Promise<Pulse> {
  const { balancer } = scene
  const sent = new Map<string, number>()
  const delays: number[] = []
  let isReading = false
  const { socket, ended } = openSocket(balancer.url, { topics: topic, from: 'latest' }, (frame) => {
    if (frame.type === 'caughtUp') isReading = true
    if (frame.type !== 'records') return
    for (const { value } of frame.records) {
      const since = sent.get(value as string)
      if (since !== undefined) delays.push(now() - since)
      sent.delete(value as string)
    }
  })
  if (!(await within(scene, LAST_MS, () => isReading))) throw new Error(`${topic} is not read`)
  let isOver = false
  const watched = meanwhile().finally(() => (isOver = true))
  watched.catch(() => {})
  for (let n = 0; !isOver; n++) {
    const value = `${n}`
    sent.set(value, now())
    void call(`${balancer.url}/v1/topics/${topic}/records`, { method: 'POST', body: { value } }).then(
      (answer) => answer?.ok !== true && sent.delete(value),
    )
    await scene.pause(EVERY_MS)
  }
  await watched
  await within(scene, LAST_MS, () => sent.size === 0)
  socket.close(1000)
  await ended
  delays.sort((a, b) => a - b)
  return { p99: Math.round(quantile(delays, 0.99) ?? 0), lost: sent.size }
}
