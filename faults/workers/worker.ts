/**
 * A process of clients, which speak to the gateways alone, over HTTP, WebSocket and SSE: `worker.ts SPEC`, as JSON. Its
 * history goes to a file; twice a second it says over IPC how far it is. Ends when it is told to stop, each client having come
 * to its end.
 */
import { Ledger } from '../history/ledger.ts'
import { seededRandom } from '../random.ts'
import { type Kind, kinds } from './kinds.ts'

export interface WorkerSpec {
  readonly url: string
  /** Of clients of some kinds, which are somebody else there. */
  readonly urls?: Readonly<Partial<Record<Kind, string>>>
  readonly topics: readonly string[]
  readonly run: string
  readonly seed: number
  readonly historyFile: string
  readonly clients: readonly { readonly kind: Kind; readonly name: string; readonly paceMs: number }[]
}

/** How far a worker is. */
export interface Report {
  /** Records that were told to be written. */
  readonly written: number
  /** Of each reader, or group, the next offset in each partition. */
  readonly positions: Readonly<Record<string, number>>
}

const REPORT_MS = 500

const { url, urls, topics, run, seed, historyFile, clients } = JSON.parse(process.argv[2]!) as WorkerSpec
const over = new AbortController()
const ledger = new Ledger(historyFile)
const report = () => {
  const positions = Object.fromEntries(ledger.positions)
  process.send?.({ written: ledger.written, positions } satisfies Report)
}
// Whatever becomes of the one that started it: it does not outlive it.
process.on('disconnect', () => process.exit())
process.on('message', () => over.abort())
const timer = setInterval(report, REPORT_MS)
await Promise.all(
  clients.map(({ kind, name, paceMs }, i) => {
    const random = seededRandom(seed * 1_000 + i)
    return kinds[kind]({
      url: urls?.[kind] ?? url,
      topics,
      name,
      run,
      paceMs,
      random,
      over: over.signal,
      ledger,
    })
  }),
)
clearInterval(timer)
report()
ledger.close()
process.disconnect()
