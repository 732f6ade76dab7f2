import { setTimeout as pause } from 'node:timers/promises'
import { now } from '../../history/events.ts'
import { jsonOf } from '../../history/record.ts'
import { type Client, type ClientContext, rest, RETRY_MS, Source } from '../client.ts'
import { call, timed } from '../http.ts'

const SIZE = 3
/** How long one PUT is repeated, ms: longer than any fault lasts. */
const PATIENCE_MS = 120_000
/** Every so many PUTs, one that was answered is sent again: the answer must name the same place. */
const REPEAT_EVERY = 5
/** PUTs of one producer: then another one is opened. */
const PUTS = 200

interface Written {
  readonly partition: number
  readonly offset: number
}

/** Writes under one producer after another, each PUT repeated, at either gateway, until it is answered. */
export const exactlyOnce: Client = async (context) => {
  const { url, topics, over, ledger } = context
  for (let opened = 0; !over.aborted; opened++) {
    const topic = topics[opened % topics.length]!
    const source = new Source({ ...context, name: `${context.name}p${opened}`, topics: [topic] })
    const path = `${url}/v1/topics/${topic}/producers`
    const [made] = await repeated<{ producer: string }>(context, 'POST', path, undefined, over)
    if (made === undefined) continue
    for (let sequence = 0; sequence < PUTS * SIZE && !over.aborted; sequence += SIZE) {
      const records = source.ofOne(SIZE)
      const body = { records: records.map(([, id]) => jsonOf(id)) }
      // What one producer writes keeps its order; so each is a client of its own.
      const done = ledger.send(`${context.name}p${opened}`, 'exactly-once', records, { isUnit: true })
      const put = () =>
        repeated<Written>(context, 'PUT', `${path}/${made.producer}/records/${sequence}`, body)
      let [answer, longestMs] = await put()
      if ((sequence / SIZE) % REPEAT_EVERY === 0) {
        const [again, ms] = await put()
        answer = again ?? answer
        longestMs = Math.max(longestMs, ms)
      }
      done(
        records.map((_, i) => {
          if (answer === undefined) return { outcome: 'unknown', code: 'no_answer' }
          return { outcome: 'written', partition: answer.partition, offset: answer.offset + i }
        }),
        longestMs,
      )
      // Its next sequence number depends on what became of this one.
      if (answer === undefined) break
      await rest(context)
    }
  }
}

/** Sends until the answer is a success, undefined where it never was; and the longest that one request took. */
async function repeated<T>(
  { name, ledger }: ClientContext,
  method: string,
  url: string,
  body: object | undefined,
  over?: AbortSignal,
): Promise<readonly [T | undefined, longestMs: number]> {
  const deadline = now() + PATIENCE_MS
  let longestMs = 0
  while (now() < deadline && over?.aborted !== true) {
    const [answer, ms] = await timed(
      call<T & { retryable?: boolean; code?: string }>(url, {
        method,
        ...(body && { body }),
        isElsewhere: true,
      }),
    )
    if (answer !== undefined) longestMs = Math.max(longestMs, ms)
    if (answer?.ok === true) return [answer.json, longestMs]
    // A PUT that is repeated as it was is never refused for good.
    if (answer?.json.retryable === false)
      ledger.ask(name, `exactly-once refused ${answer.json.code}`)('fail', 'refused')
    await pause(RETRY_MS)
  }
  return [undefined, longestMs]
}
