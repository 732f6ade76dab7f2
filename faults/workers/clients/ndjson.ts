import { type IncomingMessage, request } from 'node:http'
import { createInterface } from 'node:readline'
import type { SendResult } from '../../history/events.ts'
import { jsonOf } from '../../history/record.ts'
import {
  type Client,
  type ClientContext,
  type ResultJson,
  resultOf,
  rest,
  RETRY_MS,
  Source,
} from '../client.ts'

const LINES = 200
const PER_WRITE = 20
/** Without a result for so long, the stream is given up, ms. */
const SILENCE_MS = 30_000

/** Sends one stream of records after another and reads its results while it sends. */
export const ndjson: Client = async (context) => {
  const source = new Source(context)
  while (!context.over.aborted) {
    if (!(await stream(context, source))) await rest(context, RETRY_MS)
  }
}

/** Resolves once each record that was sent is told of; false where the stream broke off. */
async function stream(context: ClientContext, source: Source): Promise<boolean> {
  const { url, name, over, ledger } = context
  const waiting: {
    results: (SendResult | undefined)[]
    left: number
    done: (results: SendResult[]) => void
  }[] = []
  const topic = source.ofOne(1)[0]![0]
  const outgoing = request(`${url}/v1/topics/${topic}/records`, {
    method: 'POST',
    agent: false,
    headers: { 'content-type': 'application/x-ndjson' },
  })
  let isBroken = false
  let isEnded = false
  let refusal: ResultJson | undefined
  let silence: NodeJS.Timeout | undefined
  const answered = new Promise<boolean>((resolve) => {
    const fail = () => {
      isBroken = true
      resolve(false)
    }
    outgoing.on('error', fail)
    silence = setTimeout(() => outgoing.destroy(new Error('silence')), SILENCE_MS)
    outgoing.on('response', (response) => {
      response.on('error', fail)
      if (response.statusCode !== 200) {
        void refusalOf(response).then((told) => {
          refusal = told
          fail()
        })
        return
      }
      response.on('close', fail)
      const lines = createInterface({ input: response })
      lines.on('error', fail)
      lines.on('line', (line) => {
        silence?.refresh()
        const result = parse(line)
        if (result?.summary !== undefined) {
          // Behind the last line that has a result nothing was written, says an answer that has its end.
          isEnded = true
          return resolve(result.error === undefined)
        }
        if (result?.index === undefined) return
        const own = waiting[Math.floor(result.index / PER_WRITE)]!
        own.results[result.index % PER_WRITE] = resultOf(result)
        if (--own.left === 0) own.done(own.results as SendResult[])
      })
    })
  })
  for (let line = 0; line < LINES && !over.aborted && !isBroken; line += PER_WRITE) {
    const records = source.ofOne(PER_WRITE).map(([, id]): [string, string] => [topic, id])
    const done = ledger.send(name, 'ndjson', records)
    waiting.push({ results: records.map(() => undefined), left: records.length, done })
    outgoing.write(records.map(([, id]) => `${JSON.stringify(jsonOf(id))}\n`).join(''))
    await rest(context, 5)
  }
  outgoing.end()
  const isWhole = await answered
  clearTimeout(silence)
  outgoing.destroy()
  // Else what has no line is unknown: the answer was cut, or never began.
  const others: SendResult = isEnded ? { outcome: 'not_written', code: 'ended' } : resultOf(refusal)
  for (const { results, left, done } of waiting) if (left > 0) done(results.map((result) => result ?? others))
  return isWhole
}

/** What an answer that is no stream says of all records. */
async function refusalOf(response: IncomingMessage): Promise<ResultJson | undefined> {
  try {
    let text = ''
    for await (const chunk of response.setEncoding('utf8')) text += chunk as string
    const { code, outcome = 'unknown' } = JSON.parse(text) as Partial<NonNullable<ResultJson['error']>>
    return { error: { code: code ?? String(response.statusCode), outcome } }
  } catch {
    return undefined
  }
}

function parse(line: string): (ResultJson & { index?: number; summary?: object }) | undefined {
  try {
    return JSON.parse(line) as ResultJson
  } catch {
    // Half a line: the connection was cut in its midst.
    return undefined
  }
}
