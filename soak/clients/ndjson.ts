import { request } from 'node:http'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { type Client, type ClientContext, outcomeOf, type ResultJson, Turn } from './client.ts'

const LINES = 600
const PER_WRITE = 20
/** Without a result for so long, the stream is given up, ms. */
const SILENCE_MS = 30_000

/** Sends one stream of records after another and reads its results while it sends. */
export const ndjson: Client = async (context) => {
  const turn = new Turn(context.urls)
  for (let stream = 0; !context.over.aborted; stream++) {
    const isWhole = await send(turn.url, stream, context)
    if (isWhole) continue
    turn.next()
    await pause(100)
  }
}

/** Resolves once each record that was sent is told of; false where the stream broke off. */
async function send(
  url: string,
  stream: number,
  { topics, name, over, tell }: ClientContext,
): Promise<boolean> {
  const topic = topics[stream % topics.length]!
  const sent: { value: string; since: number }[] = []
  let told = 0
  const tellNext = (result: ResultJson | undefined) => {
    const { value, since } = sent[told++]!
    const tookMs = performance.now() - since
    tell({ value, route: 'ndjson', client: name, topic, sentAt: since, tookMs, ...outcomeOf(result) })
  }
  let isWhole = false
  const outgoing = request(`${url}/v1/topics/${topic}/records`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
  })
  outgoing.setTimeout(SILENCE_MS, () => outgoing.destroy())
  let ended = false
  const finished = new Promise<void>((resolve) => {
    outgoing.on('error', () => resolve())
    outgoing.on('close', () => resolve())
    outgoing.on('response', (response) => {
      response.on('error', () => resolve())
      const lines = createInterface({ input: response })
      lines.on('line', (line) => {
        const json = JSON.parse(line) as ResultJson & {
          index?: number
          summary?: object
          outcome?: 'not_written'
        }
        if (json.summary !== undefined) isWhole = json.error === undefined
        else if (json.index === told) tellNext(json)
        // Refused as a whole: nothing was read of it.
        else if (json.outcome === 'not_written') {
          while (told < sent.length) tellNext({ error: { code: 'refused', outcome: 'not_written' } })
        }
      })
      lines.on('error', () => resolve())
      lines.on('close', () => resolve())
    })
  }).then(() => (ended = true))
  for (let n = 0; n < LINES && !ended && !over.aborted; n += PER_WRITE) {
    const values = Array.from({ length: PER_WRITE }, (_, i) => `${name}-${stream}.${n + i}`)
    for (const value of values) sent.push({ value, since: performance.now() })
    outgoing.write(values.map((value) => `${JSON.stringify({ key: name, value })}\n`).join(''))
    await pause(10)
  }
  outgoing.end()
  await finished
  outgoing.destroy()
  while (told < sent.length) tellNext(undefined)
  return isWhole
}
