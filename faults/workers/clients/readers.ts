import { setTimeout as pause } from 'node:timers/promises'
import { type Client, RETRY_MS } from '../client.ts'
import { call, open } from '../http.ts'
import { placesOf, pollsOf, type ReadJson } from './polls.ts'
import { openSocket } from './socket.ts'

/** How long a long poll may wait for a record, ms. */
const WAIT_MS = 1_000
/** How long a stream over HTTP may be silent before it is given up, ms: longer than between two heartbeats. */
const SILENCE_MS = 45_000
/** What a client is told whose position is gone: it begins anew. */
const LOST = 'position_lost'

/** Reads all topics over WebSocket without a group, from the first record on; goes on with its last cursor. */
export const reader: Client = async ({ url, topics, name, over, ledger }) => {
  let cursor: string | undefined
  while (!over.aborted) {
    const see = ledger.connection(name)
    const start: Record<string, string> = cursor === undefined ? { from: 'earliest' } : { cursor }
    const query = { topics: topics.join(), isolation: 'read_committed', ...start }
    const { socket, ended } = openSocket(url, query, (frame) => {
      if (frame.type === 'error') see({ f: 'told', code: frame.code })
      else if (frame.type === 'assigned') see(...placesOf('assigned', frame.partitions))
      else if (frame.type === 'records') {
        see(...pollsOf(frame.records))
        cursor = frame.cursor
      }
    })
    const leave = () => socket.terminate()
    over.addEventListener('abort', leave)
    const code = await ended
    over.removeEventListener('abort', leave)
    see({ f: 'closed', code: String(code) })
    if (code >= 4_000 && code < 4_500) cursor = undefined
    if (!over.aborted) await pause(RETRY_MS)
  }
}

/** Reads one topic by server-sent events, from its first record on; goes on behind the last event, as browsers do. */
export const sse: Client = async ({ url, topics, name, over, ledger }) => {
  let lastEventId: string | undefined
  while (!over.aborted) {
    const headers = {
      accept: 'text/event-stream',
      ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
    }
    const see = ledger.connection(name)
    let fields: Record<string, string> = {}
    const code = await readLines(
      `${url}/v1/topics/${topics[0]}/records?from=earliest&isolation=read_committed`,
      headers,
      over,
      (line) => {
        if (line !== '') {
          const [, field, text] = /^([a-z]+): (.*)$/s.exec(line) ?? []
          if (field !== undefined) fields[field] = text!
          return
        }
        const { event, data, id } = fields
        fields = {}
        if (event === undefined && data !== undefined) see(...pollsOf([JSON.parse(data) as ReadJson]))
        if (event === 'problem') see({ f: 'told', code: (JSON.parse(data!) as { code: string }).code })
        lastEventId = id ?? lastEventId
      },
    )
    if (code === LOST) {
      see({ f: 'told', code })
      lastEventId = undefined
    }
    see({ f: 'closed', code })
    if (!over.aborted) await pause(RETRY_MS)
  }
}

/** Reads one topic as NDJSON, from its first record on; goes on behind the last whole line. */
export const ndjsonReader: Client = async ({ url, topics, name, over, ledger }) => {
  let position = 'from=earliest'
  while (!over.aborted) {
    const see = ledger.connection(name)
    let isLost = false
    const code = await readLines(
      `${url}/v1/topics/${topics[0]}/records?follow=true&isolation=read_committed&${position}`,
      { accept: 'application/x-ndjson' },
      over,
      (line) => {
        const json = JSON.parse(line) as Partial<ReadJson> & { cursor?: string; error?: { code: string } }
        if (json.error !== undefined) {
          see({ f: 'told', code: json.error.code })
          isLost ||= json.error.code === LOST
        } else if (json.offset !== undefined) see(...pollsOf([json as ReadJson]))
        if (json.cursor !== undefined) position = `cursor=${json.cursor}`
      },
    )
    if (code === LOST) see({ f: 'told', code })
    if (isLost || code === LOST) position = 'from=earliest'
    see({ f: 'closed', code })
    if (!over.aborted) await pause(RETRY_MS)
  }
}

/** Reads one topic page after page, from its first record on, by cursor and long poll. */
export const poller: Client = async ({ url, topics, name, over, ledger }) => {
  const see = ledger.connection(name)
  let position = 'from=earliest'
  while (!over.aborted) {
    const path = `/v1/topics/${topics[0]}/records?limit=1000&wait=${WAIT_MS}&isolation=read_committed&${position}`
    const answer = await call<{ records: ReadJson[]; cursor: string; code?: string }>(url + path, {
      signal: over,
      isElsewhere: true,
    })
    if (answer?.ok === true) {
      see(...pollsOf(answer.json.records))
      position = `cursor=${answer.json.cursor}`
    } else {
      if (answer?.json.code !== undefined) see({ f: 'told', code: answer.json.code })
      if (answer?.json.code === LOST) position = 'from=earliest'
      await pause(RETRY_MS)
    }
  }
}

/** Hands on the lines of an answer until it ends, breaks off or is silent for too long; says why it ended. */
export async function readLines(
  url: string,
  headers: Readonly<Record<string, string>>,
  over: AbortSignal,
  take: (line: string) => void,
): Promise<string> {
  const silence = new AbortController()
  const timer = setTimeout(() => silence.abort(new Error('silence')), SILENCE_MS)
  try {
    const signal = AbortSignal.any([over, silence.signal])
    const response = await open(url, { headers, signal, isElsewhere: true })
    if (response.statusCode !== 200) {
      let text = ''
      for await (const chunk of response.setEncoding('utf8')) text += chunk as string
      return (JSON.parse(text) as { code: string }).code
    }
    response.on('data', () => timer.refresh())
    // A line that has no end is none.
    let text = ''
    for await (const chunk of response.setEncoding('utf8')) {
      const lines = (text + (chunk as string)).split('\n')
      text = lines.pop()!
      for (const line of lines) take(line)
    }
    return 'ended'
  } catch (error) {
    return (error as Error).message
  } finally {
    clearTimeout(timer)
  }
}
