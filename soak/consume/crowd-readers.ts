/**
 * Many readers of one topic in a process of its own: `crowd-readers.ts URL TOPIC COUNT`. Says over IPC when all are
 * connected, and answers each message with what they had since the last one.
 */
import { once } from 'node:events'
import { openSocket } from './clients/socket.ts'

/** Delays are counted by the millisecond up to here. */
const MAX_DELAY_MS = 60_000
/** Connected at once. */
const WAVE = 25

/** What some readers had. */
export interface CrowdReport {
  readonly deliveries: number
  /** Out of order, again, or with a gap before it. */
  readonly breaches: number
  /** How many deliveries had a delay of so many ms. */
  readonly delays: readonly (readonly [ms: number, count: number])[]
  readonly ended: readonly number[]
}

const [url = '', topic = '', count = '0'] = process.argv.slice(2)
const delays = new Uint32Array(MAX_DELAY_MS + 1)
let deliveries = 0
let breaches = 0
const ended: number[] = []

/** Connects one reader, again where it is turned away with a code that says so. */
async function open(): Promise<void> {
  const next = new Map<number, number>()
  const { promise: assigned, resolve } = Promise.withResolvers<'assigned'>()
  const reading = openSocket(url, { topics: topic, from: 'latest' }, (frame) => {
    if (frame.type === 'assigned') {
      for (const { partition, offset } of frame.partitions) next.set(partition, offset)
      resolve('assigned')
    } else if (frame.type === 'records') {
      const now = Date.now()
      for (const { partition, offset, timestamp } of frame.records) {
        if (next.get(partition) !== offset) breaches++
        next.set(partition, offset + 1)
        deliveries++
        delays[Math.min(Math.max(0, now - timestamp), MAX_DELAY_MS)]!++
      }
    }
  })
  const first = await Promise.race([assigned, reading.ended])
  if (first === 'assigned') void reading.ended.then((code) => ended.push(code))
  else if (first >= 4_500 || first < 4_000) await open()
  else throw new Error(`a reader was closed with ${first}`)
}

process.on('disconnect', () => process.exit())
for (let opened = 0; opened < Number(count); opened += WAVE) {
  await Promise.all(Array.from({ length: Math.min(WAVE, Number(count) - opened) }, open))
}
process.send!('connected')
for (;;) {
  await once(process, 'message')
  const counted = [...delays.entries()].filter(([, count]) => count > 0)
  process.send!({ deliveries, breaches, delays: counted, ended } satisfies CrowdReport)
  deliveries = 0
  breaches = 0
  delays.fill(0)
}
