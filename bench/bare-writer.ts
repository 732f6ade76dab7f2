import { pino } from 'pino'
import { Cluster } from '../src/kafka/cluster.ts'
import { RecordWriter } from '../src/kafka/writer/record-writer.ts'
import { parseProduceBody } from '../src/records/produce-body.ts'
import { type Confirmed, Meter, type Measured } from './harness/meter.ts'
import { inOwnProcess } from './harness/own-process.ts'
import { batchJson } from './load/records.ts'

export interface BareWriterOptions {
  readonly brokers: string
  readonly topic: string
  /** Writes under way at once: what connections are over HTTP. */
  readonly senders: number
  /** Records of one write. */
  readonly batch: number
  readonly warmup: number
  readonly seconds: number
}

/** Different batches, as over HTTP. */
const BATCHES = 32

/** The gateway's write path alone: the batches that come over HTTP are there already, parsed. */
export const bareWriter = inOwnProcess(
  import.meta,
  async (options: BareWriterOptions): Promise<Measured & Confirmed> => {
    const { brokers, topic, senders, batch, warmup, seconds } = options
    const cluster = new Cluster({ brokers: brokers.split(','), clientId: 'sluice-bench' })
    const writer = new RecordWriter(cluster, { timeoutMs: 10_000 }, pino({ level: 'silent' }))
    writer.start()
    await cluster.topic(topic)
    const batches = Array.from(
      { length: BATCHES },
      (_, i) => parseProduceBody(Buffer.from(batchJson(i, batch)), batch).records,
    )
    const meter = new Meter()
    let over = false
    let answered = 0
    const sending = Array.from({ length: senders }, async (_, sender) => {
      for (let i = sender; !over; i++) {
        const began = performance.now()
        const results = await writer.write(topic, batches[i % BATCHES]!)
        const failed = results.find((result) => result.outcome !== 'written')
        if (failed !== undefined) throw new Error(`a record was ${failed.outcome}`)
        answered += results.length
        meter.count(results.length)
        meter.time(performance.now() - began)
      }
    })
    const failure = Promise.all(sending)
    const measured = await Promise.race([meter.measure({ warmup, seconds, pid: process.pid }), failure])
    over = true
    await failure
    writer.close()
    await cluster.close()
    return { ...(measured as Measured), answered, unanswered: 0 }
  },
)
