import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { Cluster } from '../src/kafka/cluster.ts'
import { RecordWriter } from '../src/kafka/writer/record-writer.ts'
import { inOwnProcess } from './harness/own-process.ts'
import { clientReader, gatewayReader } from './load/churn-readers.ts'

export interface GroupChurnOptions {
  readonly brokers: string
  readonly topic: string
  readonly partitions: number
  readonly member: 'gateway' | 'client'
  readonly heartbeatMs: number
  readonly seconds: number
}

export interface GroupChurnResult {
  /** From asking a first member to join to its first assignment, ms. */
  readonly firstJoinMs: number
  /** From writing a record to the first reader that has it, ms. */
  readonly p50: number
  readonly p99: number
  readonly max: number
  readonly written: number
  /** Records that came more than once. */
  readonly repeated: number
  /** Records that never came. */
  readonly missing: number
  readonly joins: number
}

/** Records written each ten milliseconds. */
const EACH_TICK = 4
const TICK_MS = 10
const CHURN_MS = 1_500
/** How long the last records may take, ms. */
const DRAIN_MS = 15_000

/** Two members read while a third joins and leaves every 1.5 s: how late the records come that were written meanwhile. */
export const groupChurn = inOwnProcess(
  import.meta,
  async (options: GroupChurnOptions): Promise<GroupChurnResult> => {
    const brokers = options.brokers.split(',')
    const cluster = new Cluster({ brokers, clientId: 'sluice-bench' })
    const join = options.member === 'gateway' ? gatewayReader(cluster) : clientReader
    const group = { ...options, brokers, groupId: `bench-${randomUUID()}` }
    const seen = new Map<string, number>()
    let repeated = 0
    const since = Date.now()
    const saw = (partition: number, offset: number, timestamp: number) => {
      // An earlier round's.
      if (timestamp < since) return
      const key = `${partition}:${offset}`
      if (seen.has(key)) repeated++
      else seen.set(key, Date.now() - timestamp)
    }
    const writer = new RecordWriter(cluster, { timeoutMs: 10_000 }, pino({ level: 'silent' }))
    writer.start()
    await cluster.topic(options.topic)
    const began = performance.now()
    const members = [await join(group, saw)]
    const firstJoinMs = performance.now() - began
    members.push(await join(group, saw))

    const writes: Promise<unknown>[] = []
    let written = 0
    const value = Buffer.alloc(100)
    const ticks = setInterval(() => {
      const records = Array.from({ length: EACH_TICK }, () => ({
        key: null,
        value,
        headers: [],
        partition: written++ % options.partitions,
      }))
      writes.push(writer.write(options.topic, records))
    }, TICK_MS)
    const until = performance.now() + options.seconds * 1_000
    let joins = 0
    while (performance.now() < until) {
      const third = await join(group, saw)
      joins++
      await sleep(CHURN_MS)
      await third.stop()
      await sleep(CHURN_MS)
    }
    clearInterval(ticks)
    await Promise.all(writes)
    const drained = performance.now() + DRAIN_MS
    while (seen.size < written && performance.now() < drained) await sleep(50)
    await Promise.allSettled(members.map((member) => member.stop()))
    const delays = [...seen.values()].sort((a, b) => a - b)
    const at = (share: number) =>
      delays[Math.min(delays.length - 1, Math.floor(delays.length * share))] ?? NaN
    return {
      firstJoinMs,
      p50: at(0.5),
      p99: at(0.99),
      max: at(1),
      written,
      repeated,
      missing: written - seen.size,
      joins,
    }
  },
)
