import { Agent, request } from 'node:http'
import { type Confirmed, Meter, type Measured } from '../harness/meter.ts'
import { inOwnProcess } from '../harness/own-process.ts'
import { recordJson } from './records.ts'

export interface StreamLoadOptions {
  readonly url: string
  readonly topic: string
  readonly connections: number
  readonly warmup: number
  readonly seconds: number
  /** The server's process, to be watched. */
  readonly pid: number
}

/** Records of one write to a socket. */
const BLOCK_RECORDS = 500
const LINE_FEED = 0x0a

/**
 * Loads a gateway with streams of records that don't end before the load does, reading every result.
 * @throws where a record was not written
 */
export const streamLoad = inOwnProcess(
  import.meta,
  async ({
    url,
    topic,
    connections,
    warmup,
    seconds,
    pid,
  }: StreamLoadOptions): Promise<Measured & Confirmed> => {
    const meter = new Meter()
    const target = `${url}/v1/topics/${topic}/records`
    const lines = Array.from({ length: BLOCK_RECORDS }, (_, i) => `${recordJson(i)}\n`)
    const block = Buffer.from(lines.join(''))
    let ended = false
    const stream = async (): Promise<number> => {
      const headers = { 'content-type': 'application/x-ndjson' }
      const outgoing = request(target, { method: 'POST', headers, agent: new Agent() })
      const send = () => {
        while (!ended) if (!outgoing.write(block)) return void outgoing.once('drain', send)
        outgoing.end()
      }
      send()
      let last = ''
      for await (const chunk of await responseOf(outgoing)) {
        let results = 0
        for (const byte of chunk as Buffer) if (byte === LINE_FEED) results++
        meter.count(results)
        last = (last + (chunk as Buffer).toString('latin1')).slice(-1_000)
      }
      return writtenOf(last.trimEnd().split('\n').at(-1)!)
    }
    const streams = Array.from({ length: connections }, stream)
    const measured = await meter.measure({ warmup, seconds, pid })
    ended = true
    const written = await Promise.all(streams)
    return { ...measured, answered: written.reduce((sum, count) => sum + count, 0), unanswered: 0 }
  },
)

async function responseOf(outgoing: ReturnType<typeof request>): Promise<AsyncIterable<unknown>> {
  return new Promise((resolve, reject) => outgoing.once('response', resolve).once('error', reject))
}

function writtenOf(line: string): number {
  const { summary } = JSON.parse(line) as { summary?: { records: number; written: number } }
  if (summary === undefined || summary.written < summary.records) throw new Error(`not all written: ${line}`)
  return summary.written
}
