import { setTimeout as pause } from 'node:timers/promises'
import { now, type SendResult } from '../../history/events.ts'
import { jsonOf } from '../../history/record.ts'
import { type Client, type ResultJson, rest, RETRY_MS, Source } from '../client.ts'
import { call, timed } from '../http.ts'

const SIZE = 5
/** How long a transaction with an id is repeated, and how long is asked for the end of one without, ms. */
const PATIENCE_MS = 120_000
/** Every so many, one that was committed is sent again: the answer must name the same places. */
const REPEAT_EVERY = 5

interface Answer {
  readonly transaction?: string
  readonly state?: string
  readonly code?: string
  readonly results?: readonly ResultJson[] | null
}

/** Writes to several topics at once, all or nothing; asks what became of a transaction whose end it was not told. */
export const transactions: Client = async (context) => {
  const { url, name, over, ledger } = context
  const source = new Source(context)
  while (!over.aborted) {
    const records = source.ofAll(SIZE)
    const done = ledger.send(name, 'transactions', records, { isUnit: true })
    const [first, longestMs] = await timed(send(url, records))
    let answer = first
    const asked = now() + PATIENCE_MS
    while (first?.transaction !== undefined && !isFinal(answer) && now() < asked) {
      await pause(1_000)
      // Any gateway can be asked.
      answer =
        (await call<Answer>(`${url}/v1/transactions/${first.transaction}`, { isElsewhere: true }))?.json ??
        first
    }
    done(resultsOf(records.length, answer, first?.results ?? answer?.results), longestMs)
    await rest(context, answer?.state === 'committed' ? 0 : RETRY_MS)
  }
}

/** Gives each transaction an id, and repeats it, at either gateway, until it is committed. */
export const namedTransactions: Client = async (context) => {
  const { url, name, over, ledger } = context
  const source = new Source(context)
  for (let n = 0; !over.aborted; n++) {
    const records = source.ofAll(SIZE)
    const done = ledger.send(name, 'named-transactions', records, { isUnit: true })
    const id = records[0]![1]
    const until = now() + PATIENCE_MS
    let longestMs = 0
    const committed = async (): Promise<Answer | undefined> => {
      while (now() < until) {
        const [answer, ms] = await timed(send(url, records, id))
        if (answer !== undefined) longestMs = Math.max(longestMs, ms)
        if (answer?.state === 'committed') return answer
        await pause(RETRY_MS * 2)
      }
      return undefined
    }
    let answer = await committed()
    if (n % REPEAT_EVERY === 0) answer = (await committed()) ?? answer
    done(resultsOf(records.length, answer, answer?.results), longestMs)
    await rest(context)
  }
}

function isFinal(answer: Answer | undefined): boolean {
  return answer?.state === 'committed' || answer?.state === 'aborted'
}

function resultsOf(
  size: number,
  { state, code }: Answer = {},
  places: readonly ResultJson[] | null | undefined,
): SendResult[] {
  const outcome = state === 'committed' ? 'written' : state === 'aborted' ? 'not_written' : 'unknown'
  return Array.from({ length: size }, (_, i) => {
    const { partition, offset } = places?.[i] ?? {}
    const place =
      outcome === 'written' && partition !== undefined ? { partition, offset: offset ?? null } : {}
    return { outcome, ...(code !== undefined && { code }), ...place }
  })
}

/** Undefined where no answer came. */
async function send(
  url: string,
  records: readonly (readonly [string, string])[],
  id?: string,
): Promise<Answer | undefined> {
  const body = {
    ...(id !== undefined && { id }),
    records: records.map(([topic, own]) => ({ topic, ...jsonOf(own) })),
  }
  const answer = await call<Answer>(`${url}/v1/transactions`, { method: 'POST', body, isElsewhere: true })
  return answer?.json
}
