import { mkdirSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { dirname, resolve } from 'node:path'
import { bareWriter } from './bare-writer.ts'
import { batch } from './benchmarks/batch.ts'
import { client } from './benchmarks/client.ts'
import { fanout } from './benchmarks/fanout.ts'
import { latency } from './benchmarks/latency.ts'
import { memory } from './benchmarks/memory.ts'
import { ndjson } from './benchmarks/ndjson.ts'
import { partitions } from './benchmarks/partitions.ts'
import { previous } from './benchmarks/previous.ts'
import { rebalance } from './benchmarks/rebalance.ts'
import { single } from './benchmarks/single.ts'
import { sizes } from './benchmarks/sizes.ts'
import { start } from './benchmarks/start.ts'
import { streams } from './benchmarks/streams.ts'
import { websocket } from './benchmarks/websocket.ts'
import type { Benchmark } from './harness/bench.ts'
import { Cleanup } from './harness/cleanup.ts'
import { startKafka } from './harness/kafka.ts'
import { describeRun } from './harness/machine.ts'
import { type BenchOptions, parseOptions, usage, UsageError } from './harness/options.ts'
import type { Row } from './harness/row.ts'
import { table } from './harness/table.ts'
import { Topics } from './harness/topics.ts'

const benchmarks: Readonly<Record<string, Benchmark>> = {
  single,
  batch,
  ndjson,
  partitions,
  sizes,
  websocket,
  streams,
  fanout,
  latency,
  memory,
  start,
  rebalance,
  client,
  previous,
}
const names = Object.keys(benchmarks)
/** Seconds. */
const KAFKA_WARMUP = 20
const results = resolve(import.meta.dirname, 'results')
const cleanup = new Cleanup()

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => void cleanup.run().then(() => process.exit(128 + constants.signals[signal])))
}

function progress(text: string): void {
  process.stderr.write(`bench: ${text}\n`)
}

function write(file: string, content: unknown): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `${JSON.stringify(content, null, 2)}\n`)
}

/** Runs the benchmarks; false where one of them could not be measured, which is not the same as a hold not met. */
async function run(options: BenchOptions): Promise<boolean> {
  const about = { ...describeRun(), seconds: options.seconds, rounds: options.rounds }
  if (about.load > about.processors / 2) {
    progress(`this machine is busy already (load ${about.load}): trust the ratios, not the figures`)
  }
  let brokers = options.brokers
  if (brokers === undefined) {
    progress('starting Kafka')
    const kafka = await startKafka()
    cleanup.add(() => kafka.stop())
    brokers = kafka.bootstrap
  }
  const topics = new Topics(brokers)
  cleanup.add(() => topics.close())
  if (options.brokers === undefined) await warmUp(brokers, topics)
  const rows: Row[] = []
  const failures: string[] = []
  for (const name of options.names) {
    const bench = {
      options,
      brokers,
      topics,
      cleanup,
      progress: (text: string) => progress(`${name}: ${text}`),
    }
    try {
      const measured = await benchmarks[name]!(bench)
      rows.push(...measured)
      write(resolve(results, `${name}.json`), { ...about, rows: measured })
    } catch (error) {
      if (cleanup.begun) return false
      failures.push(`${name} failed: ${error instanceof Error ? error.message : String(error)}`)
      progress(failures.at(-1)!)
    }
  }
  if (options.json !== undefined) write(resolve(options.json), { ...about, rows, failures })
  console.log(
    `\n${about.processors} processors, Node ${about.node}, commit ${about.commit}\n\n${table(rows)}`,
  )
  for (const failure of failures) console.log(`\n${failure.split('\n', 1)[0]}`)
  return failures.length === 0
}

/** A new JVM takes eight times as long for a record as one that has compiled what it does: not what is to be measured. */
async function warmUp(brokers: string, topics: Topics): Promise<void> {
  progress(`warming Kafka up, ${KAFKA_WARMUP} s`)
  for (const batch of [1, 100]) {
    const topic = await topics.make(12)
    await bareWriter({ brokers, topic, senders: 64, batch, warmup: 0, seconds: KAFKA_WARMUP / 2 })
    await topics.remove([topic])
  }
}

async function main(): Promise<number> {
  try {
    const options = parseOptions(process.argv.slice(2), names)
    if (options !== undefined) return (await run(options)) ? 0 : 1
    console.log(usage(names))
    return 0
  } catch (error) {
    if (cleanup.begun) return 1
    console.error(error instanceof UsageError ? `bench: ${error.message}\n\n${usage(names)}` : error)
    return 1
  } finally {
    await cleanup.run()
  }
}

process.exitCode = await main()
