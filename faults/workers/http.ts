import { Agent, type IncomingMessage, request } from 'node:http'
import { now } from '../history/events.ts'

/** How long a client waits for an answer: longer than any gateway may take, ms. */
export const ANSWER_MS = 30_000

/** Those that nobody needs are closed soon, sooner than a gateway does: what is open in the end is then a gateway's doing. */
const kept = new Agent({ keepAlive: true, maxSockets: 64, timeout: 10_000 })
/** A connection for each request: the balancer gives the next one to another gateway. */
const fresh = new Agent({ keepAlive: false })

export interface Answer<T> {
  readonly status: number
  readonly ok: boolean
  readonly json: T
}

export interface Call {
  readonly method?: string
  readonly body?: object
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
  readonly isElsewhere?: boolean
}

/** Sends a request. Settles with its answer when its head is there. @throws where none comes */
export function open(url: string, { method = 'GET', body, headers, signal, isElsewhere }: Call = {}) {
  return new Promise<IncomingMessage>((resolve, reject) => {
    const text = body === undefined ? undefined : JSON.stringify(body)
    const outgoing = request(url, {
      method,
      agent: isElsewhere === true ? fresh : kept,
      headers: {
        ...headers,
        ...(text !== undefined && {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(text),
        }),
      },
      ...(signal && { signal }),
    })
    outgoing.on('response', resolve)
    outgoing.on('error', reject)
    outgoing.end(text)
  })
}

/** Sends a request and reads the JSON of the answer; undefined where none came, which says nothing of what was done. */
export async function call<T>(url: string, options: Call = {}): Promise<Answer<T> | undefined> {
  try {
    const timeout = AbortSignal.timeout(ANSWER_MS)
    const signal = options.signal === undefined ? timeout : AbortSignal.any([timeout, options.signal])
    const response = await open(url, { ...options, signal })
    let text = ''
    for await (const chunk of response.setEncoding('utf8')) text += chunk as string
    const status = response.statusCode!
    return { status, ok: status < 300, json: JSON.parse(text) as T }
  } catch {
    return undefined
  }
}

/** Does something, and says how long that took, ms. */
export async function timed<T>(doing: Promise<T>): Promise<readonly [T, number]> {
  const since = now()
  return [await doing, now() - since]
}
