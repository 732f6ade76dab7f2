import { setTimeout as pause } from 'node:timers/promises'
import { ANSWER_MS, Turn } from '../../clients/client.ts'
import { type RecordJson, runsOf } from '../history.ts'
import { type Consumer, RECONNECT_MS } from './context.ts'

/** How long a read may wait for a record, ms. */
const WAIT_MS = 1_000

interface Page {
  readonly records: readonly RecordJson[]
  readonly cursor: string
}

/** Reads a topic page after page over HTTP, from its first record on, by cursor and long poll. */
export const poller: Consumer = async ({ urls, topic, name, over, record }) => {
  const turn = new Turn(urls)
  const see = record.connection(name)
  let position = 'from=earliest'
  while (!over.aborted) {
    const url = `${turn.url}/v1/topics/${topic}/records?limit=10000&wait=${WAIT_MS}&${position}`
    try {
      const signal = AbortSignal.any([over, AbortSignal.timeout(ANSWER_MS)])
      const response = await fetch(url, { signal })
      if (!response.ok) throw new Error(`answered with ${response.status}`)
      const { records, cursor } = (await response.json()) as Page
      see(...runsOf(records))
      position = `cursor=${cursor}`
    } catch (error) {
      if (over.aborted) return
      record.count((error as Error).message)
      turn.next()
      await pause(RECONNECT_MS)
    }
  }
}
