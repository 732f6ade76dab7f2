import autocannon, { type Request } from 'autocannon'
import { type Confirmed, Meter, type Measured } from '../harness/meter.ts'
import { inOwnProcess } from '../harness/own-process.ts'
import { batchJson, recordJson } from './records.ts'

export interface HttpLoadOptions {
  readonly url: string
  /** Requests go to these in turn. */
  readonly topics: readonly string[]
  readonly connections: number
  /** Records of one request; one that is not in a batch where not given. */
  readonly batch?: number
  /** Of single records; 100 where not given. */
  readonly valueBytes?: number
  readonly warmup: number
  readonly seconds: number
  /** The server's process, to be watched. */
  readonly pid: number
}

/** Bytes of all different bodies: enough for them to vary, little enough for the processor's cache not to be the test. */
const BODIES_BYTES = 400_000

/**
 * Loads a server with produce requests: each connection sends its next one when it has the answer to the last.
 * @throws where any answer is not 200: the figure would say how fast the server refuses
 */
export const httpLoad = inOwnProcess(
  import.meta,
  async (options: HttpLoadOptions): Promise<Measured & Confirmed> => {
    const { url, connections, batch, warmup, seconds, pid } = options
    const requests = requestsOf(options)
    const meter = new Meter()
    let clients = 0
    const run = autocannon({
      url,
      connections,
      // Stopped by us; this is for the case that we never come to it.
      duration: warmup + seconds + 30,
      sampleInt: 50,
      // Past the gateway's own deadline, so that its answer is what is seen.
      timeout: 30,
      setupClient(client) {
        const first = Math.floor((clients++ * requests.length) / connections)
        client.setRequests([...requests.slice(first), ...requests.slice(0, first)])
      },
    })
    run.on('response', (_client, status, _bytes, milliseconds) => {
      if (status !== 200) return
      meter.count(batch ?? 1)
      meter.time(milliseconds)
    })
    const measured = await meter.measure({ warmup, seconds, pid })
    run.stop()
    const { errors, timeouts, statusCodeStats } = await run
    const { 200: ok, ...others } = statusCodeStats
    if (errors > 0 || Object.keys(others).length > 0 || ok === undefined) {
      const other = JSON.stringify(others)
      throw new Error(`not every answer was 200: ${other}, ${errors} errors, ${timeouts} of them timeouts`)
    }
    // Each connection has a request under way when the load ends.
    return { ...measured, answered: ok.count * (batch ?? 1), unanswered: connections * (batch ?? 1) }
  },
)

function requestsOf({ topics, batch, valueBytes }: HttpLoadOptions): Request[] {
  const bodyOf = (i: number) => (batch === undefined ? recordJson(i, valueBytes) : batchJson(i, batch))
  // A multiple of the topics, so that each gets as much.
  const bodies = Math.ceil(BODIES_BYTES / bodyOf(0).length / topics.length) * topics.length
  return Array.from({ length: bodies }, (_, i) => ({
    method: 'POST',
    path: `/v1/topics/${topics[i % topics.length]}/records`,
    headers: { 'content-type': 'application/json' },
    body: bodyOf(i),
  }))
}
