import { setTimeout as pause } from 'node:timers/promises'
import { Turn } from '../../clients/client.ts'
import { type RecordJson, runsOf } from '../history.ts'
import { type Consumer, RECONNECT_MS } from './context.ts'

/** How long a stream may be silent before it is given up, ms: longer than between two of its heartbeats. */
const SILENCE_MS = 45_000

/** Reads a topic by server-sent events, from its first record on; goes on behind the last event, as browsers do. */
export const sse: Consumer = async ({ urls, topic, name, over, record }) => {
  const turn = new Turn(urls)
  let lastEventId: string | undefined
  while (!over.aborted) {
    const see = record.connection(name)
    const silence = new AbortController()
    const timer = setTimeout(() => silence.abort(), SILENCE_MS)
    try {
      const response = await fetch(`${turn.url}/v1/topics/${topic}/records?from=earliest`, {
        headers: {
          accept: 'text/event-stream',
          ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
        },
        signal: AbortSignal.any([over, silence.signal]),
      })
      if (!response.ok) throw new Error(`answered with ${response.status}`)
      let text = ''
      for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
        timer.refresh()
        const events = (text + chunk).split('\n\n')
        text = events.pop()!
        const fields = events.map(fieldsOf)
        see(...runsOf(fields.flatMap(recordOf)))
        lastEventId = fields.findLast(({ id }) => id !== undefined)?.id ?? lastEventId
      }
      record.count('ended')
    } catch (error) {
      if (!over.aborted) record.count((error as Error).message)
    }
    clearTimeout(timer)
    see({ kind: 'closed' })
    if (over.aborted) return
    turn.next()
    await pause(RECONNECT_MS)
  }
}

function fieldsOf(event: string): Partial<Record<'id' | 'event' | 'data', string>> {
  return Object.fromEntries(
    event.split('\n').map((line) => line.split(/: (.*)/s).slice(0, 2) as [string, string]),
  )
}

/** The record of an event that is one. */
function recordOf({ event, data }: ReturnType<typeof fieldsOf>): RecordJson[] {
  return event === undefined && data !== undefined ? [JSON.parse(data) as RecordJson] : []
}
