import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { getCompileCacheDir } from 'node:module'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Logger } from 'pino'
import type { Config } from './config/config.ts'
import { type Gateway, startGateway } from './gateway.ts'
import { listen } from './http/server.ts'

/** Of a listen error, what a sentence is made of. */
interface StartError {
  readonly code?: string
  readonly syscall?: string
  readonly path?: string
  readonly port?: number
}

/** What a worker process tells the one that started it, once: it listens, or why it can't. */
export interface WorkerReport {
  readonly error?: StartError
}

/** What a worker is told to do, as Gateway has it. */
export type Order = { readonly todo: 'stop'; readonly delayMs: number } | { readonly todo: 'reload' }

/** One that ended by itself is started again after this, ms, twice as long each time it ends within a minute. */
const RESTART_MS = 500
const MAX_RESTART_MS = 30_000
const STEADY_MS = 60_000

/**
 * Starts the gateway in `config.workers` processes behind one listener; where it is one, in this process. Workers share
 * nothing else: each has its own connections to Kafka, and limits count for each. One that dies is started again.
 * @param write takes the workers' log, a line of JSON at a time
 * @throws the listen error (EADDRINUSE, ...) where the port can't be had
 */
export function startGateways(config: Config, log: Logger, write: (line: string) => void): Promise<Gateway> {
  return config.workers === 1 ? startGateway(config, log) : new Workers(config, log, write).start()
}

/**
 * The workers listen on the same port each for itself, and the system spreads connections over them (SO_REUSEPORT).
 * Not node:cluster, where the parent accepts and hands on: a connection on its way to a worker that is killed would
 * hang for ever there; here it is reset.
 */
class Workers {
  readonly #config: Config
  readonly #log: Logger
  readonly #write: (line: string) => void
  readonly #running = new Set<ChildProcess>()
  #url = ''
  #stopping: Promise<void> | undefined

  constructor(config: Config, log: Logger, write: (line: string) => void) {
    this.#config = config
    this.#log = log
    this.#write = write
  }

  async start(): Promise<Gateway> {
    const { host, port, workers } = this.#config
    // The workers could share the port with another gateway unawares: nobody else may have it.
    const probe = createServer()
    this.#url = await listen(probe, host, port)
    await new Promise((resolve) => probe.close(resolve))
    await Promise.all(Array.from({ length: workers }, (_, index) => this.#run(index)))
    this.#log.info({ url: this.#url, workers }, 'all workers are listening')
    return {
      url: this.#url,
      metricsUrl: undefined,
      stop: ({ delayMs = 0 } = {}) => (this.#stopping ??= this.#stop(delayMs)),
      reload: () => this.#tell({ todo: 'reload' }),
      abandon: () => {
        for (const worker of this.#running) worker.kill('SIGKILL')
      },
    }
  }

  /** Starts a worker and waits until it listens. The one that takes its place has its `index`, and its port for metrics. */
  async #run(index: number, failures = 0): Promise<void> {
    const since = performance.now()
    const { port } = this.#config.metrics
    const worker = fork(join(import.meta.dirname, 'worker.ts'), {
      env: {
        ...process.env,
        KAFKA_BROKERS: this.#config.kafka.brokers.join(','),
        SLUICE_LOG_LEVEL: this.#log.level,
        SLUICE_PORT: new URL(this.#url).port,
        ...(port && { SLUICE_METRICS_PORT: String(port + index) }),
        NODE_COMPILE_CACHE: getCompileCacheDir(),
      },
      silent: true,
    })
    this.#running.add(worker)
    createInterface({ input: worker.stdout! }).on('line', (line) => this.#write(`${line}\n`))
    worker.stderr!.on('data', (text: Buffer) => process.stderr.write(text))
    worker.on('error', (error) => this.#log.error({ error }, 'a worker cannot be talked to'))
    worker.once('exit', () => this.#running.delete(worker))
    const error = await startError(worker)
    if (error !== undefined) throw Object.assign(new Error('a worker could not start'), error)
    worker.once('exit', (code, signal) => {
      if (this.#stopping !== undefined) return
      const next = performance.now() - since < STEADY_MS ? failures + 1 : 0
      const wait = Math.min(MAX_RESTART_MS, RESTART_MS * 2 ** next)
      this.#log.error({ worker: worker.pid, code, signal, wait }, 'a worker ended and is started again')
      this.#restart(index, next, wait)
    })
  }

  #restart(index: number, failures: number, wait: number): void {
    setTimeout(() => {
      if (this.#stopping !== undefined) return
      this.#run(index, failures).catch((error: unknown) => {
        this.#log.error({ error }, 'a worker could not start')
        this.#restart(index, failures + 1, Math.min(MAX_RESTART_MS, wait * 2))
      })
    }, wait)
  }

  async #stop(delayMs: number): Promise<void> {
    const exits = [...this.#running].map((worker) => once(worker, 'exit'))
    this.#tell({ todo: 'stop', delayMs })
    await Promise.all(exits)
  }

  #tell(order: Order): void {
    for (const worker of this.#running) if (worker.connected) worker.send(order)
  }
}

/** Settles when the worker listens, or with what it says of why it can't. */
function startError(worker: ChildProcess): Promise<StartError | undefined> {
  return new Promise((resolve) => {
    worker.once('message', (report: WorkerReport) => resolve(report.error))
    worker.once('exit', () => resolve({}))
  })
}
