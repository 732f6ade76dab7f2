import { WebSocket } from 'ws'
import { type Client, type ClientContext, rest, RETRY_MS } from '../client.ts'
import { call, open } from '../http.ts'

/** How long a guest reads before it leaves, ms: 0 to this. */
const STAY_MS = 1_500

/** Asks for what changes nothing, one thing after the other. */
export const admin: Client = async (context) => {
  const { url, topics, name, run, over, ledger } = context
  const paths = [
    '/v1/topics',
    `/v1/topics/${topics[0]}`,
    '/v1/groups',
    `/v1/groups/${run}-members`,
    `/v1/groups/${run}-members/offsets`,
    '/v1/cluster',
    '/v1/brokers',
    '/v1/brokers/1/configs',
    '/v1/log-dirs',
    `/v1/topics/${topics[0]}/partitions/0/producers`,
    `/v1/topics/${topics[0]}/records?from=-5&limit=5`,
    '/v1/acls',
    '/v1/quotas',
    '/v1/users',
    '/v1/reassignments',
    '/v1/transactional-ids',
    '/readyz',
    '/openapi.json',
  ]
  for (let n = 0; !over.aborted; n++) {
    const path = paths[n % paths.length]!
    const done = ledger.ask(name, 'admin')
    const answer = await call<{ code?: string }>(url + path)
    done(answer === undefined ? 'info' : answer.ok ? 'ok' : 'fail', answer?.json.code)
    await rest(context, answer?.ok === true ? 0 : RETRY_MS)
  }
}

/** Connects, reads a little and leaves, most of the time without a word: over WebSocket, as SSE, as NDJSON, by long poll. */
export const guest: Client = async (context) => {
  const { name, topics, random, over, ledger } = context
  const visits = [
    visitSocket,
    visitStream('text/event-stream'),
    visitStream('application/x-ndjson'),
    visitPoll,
  ]
  while (!over.aborted) {
    const visit = visits[Math.floor(random() * visits.length)]!
    const done = ledger.ask(name, 'visits')
    const topic = topics[Math.floor(random() * topics.length)]!
    const stay = AbortSignal.any([over, AbortSignal.timeout(Math.ceil(random() * STAY_MS))])
    done((await visit(context, topic, stay)) ? 'ok' : 'info')
    await rest(context)
  }
}

type Visit = (context: ClientContext, topic: string, stay: AbortSignal) => Promise<boolean>

const visitSocket: Visit = ({ url, random }, topic, stay) =>
  new Promise((resolve) => {
    const from = random() < 0.5 ? 'latest' : '-100'
    const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/ws?topics=${topic}&from=${from}`)
    let isOpened = false
    socket.on('open', () => (isOpened = true))
    socket.on('error', () => {})
    socket.on('close', () => resolve(isOpened))
    const leave = () => (random() < 0.5 && isOpened ? socket.close(1000) : socket.terminate())
    if (stay.aborted) leave()
    else stay.addEventListener('abort', leave)
  })

const visitStream =
  (accept: string): Visit =>
  async ({ url }, topic, stay) => {
    let isOpened = false
    try {
      const path = `/v1/topics/${topic}/records?from=-100&follow=true`
      const response = await open(url + path, { headers: { accept }, signal: stay, isElsewhere: true })
      isOpened = response.statusCode === 200
      response.resume()
      await new Promise((resolve) => response.once('close', resolve).on('error', () => {}))
    } catch {
      // It left before the answer came, or there was none.
    }
    return isOpened || stay.aborted
  }

const visitPoll: Visit = async ({ url }, topic, stay) => {
  const answer = await call(`${url}/v1/topics/${topic}/records?from=latest&wait=5000`, { signal: stay })
  return answer?.ok === true || stay.aborted
}
