import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import { join } from 'node:path'
import { historyFile } from '../history/read-history.ts'
import { type Kind, readingKinds } from './kinds.ts'
import type { Report, WorkerSpec } from './worker.ts'

const entry = join(import.meta.dirname, 'worker.ts')

/** So many clients of each kind, and how long each waits between two operations, ms. */
export type Load = Partial<Record<Kind, readonly [count: number, paceMs: number]>>

interface Place {
  readonly name: string
  readonly spec: Omit<WorkerSpec, 'historyFile' | 'clients'>
  readonly clients: WorkerSpec['clients']
  readonly isReading: boolean
}

interface Worker extends Place {
  readonly child: ChildProcess
  readonly exited: Promise<unknown>
  report: Report
}

/** The worker processes of one run. */
export class Crew {
  readonly #folder: string
  readonly #workers = new Map<string, Worker>()
  /** What workers that were killed had written. */
  #writtenBefore = 0
  #crashes = 0
  /** A sentence for each worker that ended by itself: a run without its clients proves nothing. */
  readonly ended: string[] = []

  private constructor(folder: string) {
    this.#folder = folder
  }

  /** Starts the clients of a load, those that write in two processes, and those that read in two. */
  static start(load: Load, folder: string, spec: Place['spec']): Crew {
    const crew = new Crew(folder)
    const entries = Object.entries(load) as [Kind, readonly [number, number]][]
    const all = entries.flatMap(([kind, [count, paceMs]]) =>
      Array.from({ length: count }, (_, n) => ({ kind, name: `${kind}${n}`, paceMs })),
    )
    for (const [what, isReading] of [
      ['writers', false],
      ['readers', true],
    ] as const) {
      const own = all.filter(({ kind }) => readingKinds.has(kind) === isReading)
      // The members of a group are in one process, whose history has their order.
      const halves = Map.groupBy(own, ({ kind }, i) =>
        isReading ? Number(kind === 'reader' || kind === 'sse') : i % 2,
      )
      for (const [half, clients] of halves)
        crew.#run({ name: `${what}${Number(half)}`, spec, clients, isReading }, 0)
    }
    return crew
  }

  /** Records told to be written so far. */
  get written(): number {
    return [...this.#workers.values()].reduce((sum, { report }) => sum + report.written, this.#writtenBefore)
  }

  /** Of each reader, or group, the next offset in each partition. */
  get positions(): ReadonlyMap<string, number> {
    return new Map([...this.#workers.values()].flatMap(({ report }) => Object.entries(report.positions)))
  }

  /** Kills the first half of those that write with -9, and starts clients of other names in its place. */
  async crash(): Promise<void> {
    const name = [...this.#workers.keys()].find((each) => each.startsWith('writers'))
    if (name === undefined) return
    const worker = this.#workers.get(name)!
    this.#workers.delete(name)
    this.#writtenBefore += worker.report.written
    worker.child.kill('SIGKILL')
    await worker.exited
    this.#run(worker, ++this.#crashes)
  }

  /** Sends a signal to the worker of a name: writers0, writers1, readers0, readers1. */
  signal(name: string, signal: NodeJS.Signals): void {
    this.#workers.get(name)?.child.kill(signal)
  }

  /** Tells the clients that write, or those that read, to come to their end, and waits for it. */
  async stop(what: 'writers' | 'readers'): Promise<void> {
    const own = [...this.#workers].filter(([, worker]) => worker.isReading === (what === 'readers'))
    for (const [, { child }] of own) if (child.connected) child.send('stop')
    await Promise.all(own.map(([, { exited }]) => exited))
    for (const [name, { report }] of own) {
      this.#writtenBefore += report.written
      this.#workers.delete(name)
    }
  }

  async kill(): Promise<void> {
    const own = [...this.#workers.values()]
    this.#workers.clear()
    for (const { child } of own) child.kill('SIGKILL')
    await Promise.all(own.map(({ exited }) => exited))
  }

  #run(place: Place, life: number): void {
    const { name, spec, clients, isReading } = place
    const process = life === 0 ? name : `${name}-${life}`
    const own: WorkerSpec = {
      ...spec,
      seed: spec.seed + life * 7_919,
      historyFile: historyFile(this.#folder, process),
      clients: clients.map((client) => ({
        ...client,
        name: life === 0 ? client.name : `${client.name}l${life}`,
      })),
    }
    const log = openSync(join(this.#folder, `${process}.log`), 'a')
    const child = fork(entry, [JSON.stringify(own)], { stdio: ['ignore', log, log, 'ipc'] })
    const worker: Worker = {
      ...{ name, spec, clients, isReading, child },
      exited: once(child, 'exit'),
      report: { written: 0, positions: {} },
    }
    child.on('message', (report) => (worker.report = report as Report))
    child.once('exit', (code) => {
      if (this.#workers.get(name) === worker && code !== 0)
        this.ended.push(`clients: ${process} ended with ${code}, see ${this.#folder}`)
    })
    this.#workers.set(name, worker)
  }
}
