import { setTimeout as pause } from 'node:timers/promises'
import { ANSWER_MS, type Client, postJson, type ResultJson, Turn } from './client.ts'

const SIZE = 5

interface Answer {
  readonly transaction?: string
  readonly state?: string
  readonly code?: string
  readonly results?: readonly (ResultJson & { topic: string })[]
}

/** Writes to several topics at once, all or nothing; asks what became of a transaction whose end it was not told. */
export const transactions: Client = async ({ urls, topics, name, over, tell }) => {
  const turn = new Turn(urls)
  for (let n = 0; !over.aborted;) {
    const unit = `${name}-${n}`
    const records = recordsAcross(topics, name, n, SIZE)
    n += SIZE
    const since = performance.now()
    const first = await sendTransaction(turn.url, { records })
    let answer = first
    // Any gateway can be asked.
    for (let tries = 0; answer?.state === 'unknown' && tries < 60; tries++) {
      await pause(1_000)
      turn.next()
      answer = (await ask(`${turn.url}/v1/transactions/${first!.transaction!}`)) ?? first
    }
    const tookMs = performance.now() - since
    const { state, code } = answer ?? {}
    const outcome = state === 'committed' ? 'written' : state === 'aborted' ? 'not_written' : 'unknown'
    records.forEach(({ topic, value }, i) => {
      const place = first?.results?.[i]
      const position = place === undefined ? {} : { partition: place.partition!, offset: place.offset! }
      const why = code === undefined ? {} : { code }
      tell({
        value,
        route: 'transactions',
        client: name,
        topic,
        unit,
        sentAt: since,
        tookMs,
        outcome,
        ...why,
        ...position,
      })
    })
    if (outcome !== 'written') {
      turn.next()
      await pause(50)
    }
  }
}

/** So many records from the n-th of a client on, spread over the topics. */
export function recordsAcross(
  topics: readonly string[],
  name: string,
  n: number,
  size: number,
): { topic: string; key: string; value: string }[] {
  return Array.from({ length: size }, (_, i) => ({
    topic: topics[(n + i) % topics.length]!,
    key: name,
    value: `${name}-${n + i}`,
  }))
}

/** Sends a transaction; undefined where no answer came. */
export async function sendTransaction(url: string, body: object): Promise<Answer | undefined> {
  const answer = await postJson<Answer>(`${url}/v1/transactions`, body)
  return answer?.status === 504 ? { ...answer.json, state: 'unknown' } : answer?.json
}

/** What became of it, where that is known by now. */
async function ask(url: string): Promise<Answer | undefined> {
  try {
    const answer = (await (await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS) })).json()) as Answer
    return answer.state === 'committed' || answer.state === 'aborted' ? answer : undefined
  } catch {
    return undefined
  }
}
