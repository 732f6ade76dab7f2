import { randomUUID } from 'node:crypto'
import { Subscription } from '../consume/subscription.ts'
import type { Context } from '../context.ts'
import { CommandError, exitCodes } from '../errors.ts'
import { Progress } from '../output/progress.ts'
import { countText, parseBytes, parseCount } from '../output/quantities.ts'
import { table } from '../output/table.ts'
import { topicPath } from '../pages.ts'
import { RecordStream } from '../produce/record-stream.ts'

/** Requests of one record each, one after the other, for the time that one takes. */
const SINGLE_REQUESTS = 300
/** Records that are handed over at once. */
const CHUNK_RECORDS = 500

export interface BenchOptions {
  readonly records: string
  readonly size: string
  readonly partitions: string
  readonly topic?: string
}

interface Rate {
  readonly recordsPerSecond: number
  readonly mebibytesPerSecond: number
}

interface Figures {
  readonly records: number
  readonly sizeBytes: number
  readonly produce: Rate
  readonly consume: Rate
  /** Of a request with one record, ms. */
  readonly produceOneMs: { readonly p50: number; readonly p99: number }
}

/** `sluice bench`: a figure in seconds, for this machine and this gateway; docs/benchmarks.md has the careful ones. */
export async function bench(context: Context, options: BenchOptions): Promise<void> {
  const records = parseCount(options.records, '--records', 1)
  const sizeBytes = parseBytes(options.size)
  const topic = options.topic ?? `sluice-bench-${randomUUID().slice(0, 8)}`
  if (options.topic === undefined) {
    const partitions = parseCount(options.partitions, '--partitions', 1)
    await context.gateway.json('POST', '/v1/topics', { body: { name: topic, partitions } })
  }
  const progress = new Progress(!context.quiet)
  try {
    const figures = await measure(context, topic, records, sizeBytes, progress)
    progress.end()
    await context.print(figures, () => rowsOf(context, figures))
  } finally {
    progress.end()
    if (options.topic === undefined) await context.gateway.json('DELETE', topicPath(topic))
  }
}

async function measure(
  context: Context,
  topic: string,
  records: number,
  sizeBytes: number,
  progress: Progress,
): Promise<Figures> {
  const rate = (seconds: number): Rate => ({
    recordsPerSecond: Math.round(records / seconds),
    mebibytesPerSecond: Number(((records * sizeBytes) / seconds / 1024 / 1024).toFixed(1)),
  })
  let done = 0
  progress.start(() => `${countText(done)} of ${countText(2 * records)} records written and read`)
  const { gateway } = context
  // The first requests pay for connections on both sides.
  const produceOneMs = await timesOfOne(context, topic, sizeBytes)
  const before = await positionsOf(context, topic)

  const value = 'x'.repeat(sizeBytes)
  const chunk = `{"value":"${value}"}\n`.repeat(CHUNK_RECORDS)
  const lineLength = chunk.length / CHUNK_RECORDS
  let started = performance.now()
  const stream = new RecordStream(gateway, topic, {}, () => {})
  for (let sent = 0; sent < records; sent += CHUNK_RECORDS) {
    const count = Math.min(CHUNK_RECORDS, records - sent)
    if (!(await stream.write(count === CHUNK_RECORDS ? chunk : chunk.slice(0, count * lineLength)))) break
    done = stream.answered
  }
  const { written, broken } = await stream.end()
  const produceSeconds = (performance.now() - started) / 1000
  if (written !== records) {
    throw (
      broken ??
      new CommandError(
        exitCodes.partly,
        `only ${countText(written)} of ${countText(records)} records were written`,
      )
    )
  }

  started = performance.now()
  const subscription = new Subscription(
    gateway,
    { topics: [topic], format: 'auto', positions: before, until: 'latest', from: 'earliest', limit: records },
    () => {},
  )
  let read = 0
  for await (const { frame } of subscription.frames()) {
    if (frame.type === 'records') done = records + (read += frame.records.length)
  }
  const consumeSeconds = (performance.now() - started) / 1000
  await subscription.leave()
  if (read !== records)
    throw new CommandError(
      exitCodes.failed,
      `only ${countText(read)} of ${countText(records)} records were read`,
    )
  return { records, sizeBytes, produce: rate(produceSeconds), consume: rate(consumeSeconds), produceOneMs }
}

/** Where the topic ends now. */
async function positionsOf({ gateway }: Context, topic: string) {
  const { body } = await gateway.json<{ partitions: { partition: number; latestOffset: number | null }[] }>(
    'GET',
    topicPath(topic),
  )
  return body.partitions.map(({ partition, latestOffset }) => ({
    topic,
    partition,
    offset: latestOffset ?? 0,
  }))
}

async function timesOfOne(
  { gateway }: Context,
  topic: string,
  sizeBytes: number,
): Promise<{ p50: number; p99: number }> {
  const times: number[] = []
  for (let n = 0; n < SINGLE_REQUESTS; n++) {
    const started = performance.now()
    await gateway.json('POST', topicPath(topic, '/records'), { body: { value: 'x'.repeat(sizeBytes) } })
    times.push(performance.now() - started)
  }
  times.sort((a, b) => a - b)
  const at = (share: number) => Number(times[Math.floor((times.length - 1) * share)]!.toFixed(2))
  return { p50: at(0.5), p99: at(0.99) }
}

function rowsOf({ style }: Context, { produce, consume, produceOneMs }: Figures): string {
  const row = (what: string, rate: Rate) => ({ what, ...rate })
  const rates = table(
    [row('produce', produce), row('consume', consume)],
    [
      { title: '', value: ({ what }) => what },
      { title: 'RECORDS/S', value: ({ recordsPerSecond }) => countText(recordsPerSecond), right: true },
      { title: 'MIB/S', value: ({ mebibytesPerSecond }) => mebibytesPerSecond.toFixed(1), right: true },
    ],
    style,
  )
  return `${rates}\nOne record a request: ${produceOneMs.p50} ms in the middle, ${produceOneMs.p99} ms at the 99th percentile.\n`
}
