import { setTimeout as pause } from 'node:timers/promises'
import { ANSWER_MS, type Client, Turn } from './client.ts'

const SIZE = 3
/** How long one PUT is repeated, ms: longer than any fault lasts. */
const PATIENCE_MS = 120_000
/** Every so many PUTs, one that was answered is sent again: the answer must name the same place. */
const REPEAT_EVERY = 5

interface Opened {
  readonly producer: string
}

interface Answer {
  readonly status: number
  readonly partition?: number
  readonly offset?: number
  readonly code?: string
}

/** Writes under one producer after another, each PUT repeated, at either gateway, until it is answered. */
export const exactlyOnce: Client = async ({ urls, topics, name, over, tell }) => {
  const turn = new Turn(urls)
  for (let n = 0, opened = 0; !over.aborted; opened++) {
    const topic = topics[opened % topics.length]!
    const path = `/v1/topics/${topic}/producers`
    const made = await send<Opened>(turn, 'POST', path, undefined, over)
    if (made === undefined) continue
    for (let sequence = 0; sequence < 200 * SIZE && !over.aborted; sequence += SIZE) {
      const values = Array.from({ length: SIZE }, () => `${name}-${n++}`)
      const body = { records: values.map((value) => ({ key: name, value })) }
      const since = performance.now()
      const put = () => send<Answer>(turn, 'PUT', `${path}/${made.producer}/records/${sequence}`, body)
      let answer = await put()
      if ((sequence / SIZE) % REPEAT_EVERY === 0) {
        turn.next()
        answer = (await put()) ?? answer
      }
      const tookMs = performance.now() - since
      const unit = `${name}/${opened}/${sequence}`
      values.forEach((value, i) => {
        const common = {
          value,
          route: 'exactly-once',
          client: `${name}/${opened}`,
          topic,
          unit,
          sentAt: since,
          tookMs,
        }
        if (answer === undefined) return tell({ ...common, outcome: 'unknown', code: 'no_answer' })
        const { partition, offset } = answer
        return tell({ ...common, outcome: 'written', partition: partition!, offset: offset! + i })
      })
      // Its next sequence number depends on what became of this one.
      if (answer === undefined) break
    }
  }
}

/** Sends until the answer is a success; undefined where it never was. */
async function send<T>(
  turn: Turn,
  method: string,
  path: string,
  body: object | undefined,
  over?: AbortSignal,
): Promise<T | undefined> {
  const deadline = performance.now() + PATIENCE_MS
  while (performance.now() < deadline && !over?.aborted) {
    try {
      const response = await fetch(turn.url + path, {
        method,
        ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(ANSWER_MS),
      })
      const answer = (await response.json()) as T & { retryable?: boolean }
      if (response.ok) return answer
      // A PUT that is repeated as it was is never refused for good: the run ends, and says so.
      if (answer.retryable === false) throw new Refused(`${method} ${path}: ${JSON.stringify(answer)}`)
    } catch (error) {
      if (error instanceof Refused) throw error
    }
    turn.next()
    await pause(100)
  }
  return undefined
}

class Refused extends Error {}
