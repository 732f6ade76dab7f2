import { type IncomingMessage, get } from 'node:http'
import { inOwnProcess } from '../harness/own-process.ts'
import { ReadMeter, type ReadResult, secondPass } from './read-meter.ts'

export interface StreamReaderOptions {
  readonly url: string
  readonly topic: string
  readonly records: number
  /** The media type to ask for. */
  readonly accept: string
  /** The gateway's process, to be watched. */
  readonly pid: number
}

/** What a line of a record begins with, as NDJSON and as an event. */
const PREFIXES = ['{"topic":', 'data: {"topic":']

/** Reads a topic from its start as a stream over HTTP, parsing every record as a client would. */
export const streamReader = inOwnProcess(import.meta, (options: StreamReaderOptions) =>
  secondPass(() => readOnce(options), options.pid),
)

async function readOnce({ url, topic, records, accept }: StreamReaderOptions): Promise<ReadResult> {
  const meter = new ReadMeter(records)
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const target = `${url}/v1/topics/${topic}/records?from=earliest`
    get(target, { agent: false, headers: { accept } }, resolve).once('error', reject)
  })
  if (response.statusCode !== 200) throw new Error(`the gateway answered ${response.statusCode}`)
  let rest = ''
  for await (const chunk of response.setEncoding('utf8')) {
    const lines = (rest + String(chunk)).split('\n')
    rest = lines.pop()!
    for (const line of lines) {
      const prefix = PREFIXES.find((text) => line.startsWith(text))
      if (prefix === undefined) continue
      const { partition, offset } = JSON.parse(line.slice(line.indexOf('{'))) as {
        partition: number
        offset: number
      }
      meter.saw(partition, offset)
    }
    meter.batchEnded()
    if (meter.done) break
  }
  response.destroy()
  return meter.result()
}
