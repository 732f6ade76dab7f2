import { type Client, rest } from '../client.ts'
import { call } from '../http.ts'
import { pollsOf, type ReadJson } from './polls.ts'
import { readLines } from './readers.ts'
import { openSocket } from './socket.ts'

/** What it may read. */
export const SPY_TOPIC = 'spy-own'
/** How long a stream that was not refused is looked at, ms. */
const LOOK_MS = 1_000

/**
 * Asks all the time for what it may not read, in every way there is to read, and now and then for what it may. What it is sent
 * of the former goes into the history.
 * @throws Error in the end, where it was never refused, or never had its own: that would prove nothing
 */
export const spy: Client = async (context) => {
  const { url, name, topics, run, over, ledger } = context
  const see = ledger.connection(name)
  const take = (records: readonly ReadJson[]) =>
    see(...pollsOf(records.filter(({ topic }) => topic !== SPY_TOPIC)))
  let [refused, own] = [0, 0]
  const page = async (path: string) => {
    const answer = await call<Partial<ReadJson> & { records?: ReadJson[] }>(url + path, { isElsewhere: true })
    if (answer?.ok === true) take(answer.json.records ?? [answer.json as ReadJson])
    else if (answer?.status === 403) refused++
  }
  const stream = (accept: string) => async (path: string) => {
    const stay = AbortSignal.any([over, AbortSignal.timeout(LOOK_MS)])
    const code = await readLines(url + path, { accept }, stay, (line) => {
      const text = /^(?:data: )?(\{.*"offset".*\})$/.exec(line)?.[1]
      if (text !== undefined) take([JSON.parse(text) as ReadJson])
    })
    if (code === 'forbidden') refused++
  }
  const socket = async (query: Readonly<Record<string, string>>) => {
    const { socket, ended } = openSocket(url, { from: 'earliest', ...query }, (frame) => {
      if (frame.type === 'records') take(frame.records)
      if (frame.type === 'error' && frame.code === 'forbidden') refused++
    })
    const timer = setTimeout(() => socket.terminate(), LOOK_MS)
    await ended
    clearTimeout(timer)
  }
  const tries: ((topic: string) => Promise<void>)[] = [
    (topic) => page(`/v1/topics/${topic}/records?from=earliest&limit=100`),
    (topic) => page(`/v1/topics/${topic}/partitions/0/records/0`),
    (topic) => stream('text/event-stream')(`/v1/topics/${topic}/records?from=earliest`),
    (topic) => stream('application/x-ndjson')(`/v1/topics/${topic}/records?from=earliest&follow=true`),
    (topic) => socket({ topics: topic }),
    (topic) => socket({ topics: `${SPY_TOPIC},${topic}` }),
    () => socket({ topics: '*' }),
    () => socket({ topics: `${run}-*,spy-*` }),
    (topic) => socket({ topics: topic, group: `${run}-members` }),
    () => socket({ topics: '*', group: 'spy-group' }),
    async () => {
      const answer = await call(`${url}/v1/topics/${SPY_TOPIC}/records?from=earliest`, { isElsewhere: true })
      if (answer?.ok === true) own++
    },
  ]
  for (let n = 0; !over.aborted; n++) {
    const done = ledger.ask(name, 'spying')
    await tries[n % tries.length]!(topics[Math.floor(n / tries.length) % topics.length]!)
    done('ok')
    await rest(context)
  }
  if (refused === 0 || own === 0)
    throw new Error(`the spy was refused ${refused} times, and had its own ${own} times`)
}
