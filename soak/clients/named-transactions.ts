import { setTimeout as pause } from 'node:timers/promises'
import { type Client, Turn } from './client.ts'
import { recordsAcross, sendTransaction } from './transactions.ts'

const SIZE = 4
/** How long one transaction is repeated, ms: longer than any fault lasts. */
const PATIENCE_MS = 120_000
/** Every so many, one that was committed is sent again: the answer must name the same places. */
const REPEAT_EVERY = 5

/** Gives each transaction an id, and repeats it, at either gateway, until it is committed. */
export const namedTransactions: Client = async ({ urls, topics, name, over, tell }) => {
  const turn = new Turn(urls)
  for (let n = 0; !over.aborted;) {
    const unit = `${name}-${n}`
    const records = recordsAcross(topics, name, n, SIZE)
    n += SIZE
    const since = performance.now()
    const committed = async () => {
      while (performance.now() - since < PATIENCE_MS) {
        const answer = await sendTransaction(turn.url, { id: `${unit}-${process.pid}`, records })
        if (answer?.state === 'committed') return answer
        turn.next()
        await pause(200)
      }
      return undefined
    }
    let answer = await committed()
    if ((n / SIZE) % REPEAT_EVERY === 0) {
      turn.next()
      answer = (await committed()) ?? answer
    }
    const tookMs = performance.now() - since
    records.forEach(({ topic, value }, i) => {
      const common = { value, route: 'named-transactions', client: name, topic, unit, sentAt: since, tookMs }
      const place = answer?.results?.[i]
      if (place === undefined) return tell({ ...common, outcome: 'unknown', code: 'no_answer' })
      return tell({ ...common, outcome: 'written', partition: place.partition!, offset: place.offset! })
    })
  }
}
