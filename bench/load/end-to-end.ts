import { Agent, request } from 'node:http'
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { inOwnProcess } from '../harness/own-process.ts'
import { watchUsage } from '../harness/process-usage.ts'
import { keyAt, valueAt } from './records.ts'

export interface EndToEndOptions {
  readonly url: string
  readonly topic: string
  readonly perSecond: number
  readonly warmup: number
  readonly seconds: number
  /** The gateway's process, to be watched. */
  readonly pid: number
}

export interface EndToEndResult {
  readonly records: number
  /** From the moment a record was due to the frame that has it. */
  readonly frame: Percentiles
  /** From the same moment to the answer of its POST. */
  readonly answer: Percentiles
  /** From the same moment to its sending: what of the above is this process's own timer. */
  readonly late: Percentiles
  readonly rssMb: number | undefined
  readonly cpuMicros: number | undefined
}

export interface Percentiles {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

/** How long the last records may take, ms. */
const LAST_MS = 10_000

/**
 * Sends records at a fixed rate, whether the earlier ones are answered or not, and reads them over a WebSocket: one
 * process, so one clock. Time counts from when a record was due, so that a stall counts for all it held up.
 */
export const endToEnd = inOwnProcess(
  import.meta,
  async (options: EndToEndOptions): Promise<EndToEndResult> => {
    const { url, topic, perSecond, warmup, seconds, pid } = options
    const frame = createHistogram({ figures: 3 })
    const answer = createHistogram({ figures: 3 })
    const late = createHistogram({ figures: 3 })
    const total = perSecond * (warmup + seconds)
    const measuredFrom = perSecond * warmup
    const arrived = new Set<number>()
    const { promise: allArrived, resolve, reject } = Promise.withResolvers<void>()
    let began = Infinity
    const due = (i: number) => began + (i * 1_000) / perSecond
    const note = (histogram: RecordableHistogram, i: number) => {
      if (i >= measuredFrom) histogram.record(Math.max(1, Math.round((performance.now() - due(i)) * 1_000)))
    }
    const socket = await subscribe(url, topic, (i) => {
      if (arrived.has(i)) reject(new Error(`record ${i} came twice`))
      arrived.add(i)
      note(frame, i)
      if (arrived.size === total) resolve()
    })
    const agent = new Agent({ keepAlive: true, maxSockets: 64 })
    let watch: ReturnType<typeof watchUsage> | undefined
    began = performance.now() + 50
    for (let i = 0; i < total;) {
      const now = performance.now()
      for (; i < total && due(i) <= now; i++) {
        const sent = i
        if (sent === measuredFrom) watch = watchUsage(pid)
        note(late, sent)
        post(agent, `${url}/v1/topics/${topic}/records`, sent).then(() => note(answer, sent), reject)
      }
      await Promise.race([sleep(Math.max(0, due(i) - performance.now())), allArrived])
    }
    const usage = watch?.stop()
    const timer = setTimeout(() => reject(new Error(`${total - arrived.size} records never came`)), LAST_MS)
    await allArrived
    clearTimeout(timer)
    socket.terminate()
    agent.destroy()
    const records = total - measuredFrom
    const cpuMicros = usage === undefined ? undefined : (usage.cpuMs * 1_000) / records
    const [frames, answers, lates] = [frame, answer, late].map(percentiles)
    return { records, frame: frames!, answer: answers!, late: lates!, rssMb: usage?.rssMb, cpuMicros }
  },
)

function percentiles(histogram: RecordableHistogram): Percentiles {
  return {
    p50Ms: histogram.percentile(50) / 1_000,
    p99Ms: histogram.percentile(99) / 1_000,
    maxMs: histogram.max / 1_000,
  }
}

/** Resolves when the gateway has said where it reads from: what is written then is delivered. */
async function subscribe(url: string, topic: string, arrived: (i: number) => void): Promise<WebSocket> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/ws?topics=${topic}&from=latest`, 'sluice.v1')
  const { promise, resolve, reject } = Promise.withResolvers<WebSocket>()
  socket.on('error', reject)
  socket.on('close', (code) => reject(new Error(`the gateway closed the WebSocket with ${code}`)))
  socket.on('message', (data: Buffer) => {
    const message = JSON.parse(data.toString()) as { type: string; records: { value: { id: number } }[] }
    if (message.type === 'assigned') resolve(socket)
    else if (message.type === 'records') for (const { value } of message.records) arrived(value.id)
  })
  return promise
}

function post(agent: Agent, url: string, i: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const body = `{"key":"${keyAt(i)}","value":${valueAt(i)}}`
    const headers = { 'content-type': 'application/json', 'content-length': body.length }
    const sent = request(url, { method: 'POST', agent, headers }, (response) => {
      response.resume()
      response.once('end', () =>
        response.statusCode === 200 ? resolve() : reject(new Error(`answered ${response.statusCode}`)),
      )
    })
    sent.once('error', reject)
    sent.end(body)
  })
}
