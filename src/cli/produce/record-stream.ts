import type { ClientRequest, IncomingMessage } from 'node:http'
import type { CommandError, ProblemDocument } from '../errors.ts'
import type { Gateway } from '../gateway-client.ts'
import { topicPath } from '../pages.ts'

/** Empty lines keep a stream open that has nothing to say: a gateway ends one after a minute, ms. */
const KEEP_OPEN_MS = 15_000
const LINE_FEED = 0x0a

/** A record that was not written, or not known to be. */
export interface Failure {
  /** Counts the records of the stream, from 0. */
  readonly index: number
  readonly error: ProblemDocument
}

export interface StreamOutcome {
  readonly written: number
  readonly notWritten: number
  readonly unknown: number
  /** How many records were answered for: of those after them nothing is known, unless `ended`. */
  readonly answered: number
  /** Why the gateway ended the stream before we did: nothing after the last answer was written. */
  readonly ended?: ProblemDocument | undefined
  /** Why the connection broke: what was sent and not answered may be written or not. */
  readonly broken?: CommandError | undefined
}

/**
 * One request of the NDJSON produce route: records go in as the gateway takes them, and what became of each comes back
 * meanwhile. It holds neither.
 */
export class RecordStream {
  readonly #gateway: Gateway
  readonly #request: ClientRequest
  readonly #failed: (failure: Failure) => void
  readonly #keepOpen: NodeJS.Timeout
  /** Settles when the answer has ended; it rejects where the stream was refused as a whole. */
  readonly outcome: Promise<StreamOutcome>
  #written = 0
  #notWritten = 0
  #unknown = 0
  #answered = 0
  #over = false
  #drained = Promise.withResolvers<void>()

  constructor(
    gateway: Gateway,
    topic: string,
    query: { acks?: string | undefined },
    failed: (failure: Failure) => void,
  ) {
    this.#gateway = gateway
    this.#failed = failed
    this.#request = gateway.open('POST', topicPath(topic, '/records'), {
      query,
      headers: {
        'content-type': 'application/x-ndjson',
        accept: 'application/x-ndjson, application/problem+json',
      },
    })
    this.outcome = gateway
      .answer(this.#request)
      .then((incoming) => this.#read(incoming))
      .finally(() => this.#stop())
    // Whoever writes waits for it later.
    this.outcome.catch(() => {})
    this.#keepOpen = setInterval(() => this.#request.write('\n'), KEEP_OPEN_MS)
    this.#request.on('drain', () => this.#drained.resolve())
    // Finds out now whether there is such a topic, though the first record may be a while in coming.
    this.#request.flushHeaders()
  }

  /** How many records were answered for. */
  get answered(): number {
    return this.#answered
  }

  /** Writes records and waits until the gateway takes more; false once it takes none. */
  async write(records: string): Promise<boolean> {
    if (this.#over) return false
    this.#keepOpen.refresh()
    if (!this.#request.write(records)) {
      this.#drained = Promise.withResolvers()
      await this.#drained.promise
    }
    return !this.#over
  }

  /** There are no more records. */
  end(): Promise<StreamOutcome> {
    clearInterval(this.#keepOpen)
    this.#request.end()
    return this.outcome
  }

  #stop(): void {
    this.#over = true
    this.#drained.resolve()
    clearInterval(this.#keepOpen)
    this.#request.destroy()
  }

  async #read(incoming: IncomingMessage): Promise<StreamOutcome> {
    let held: Buffer = Buffer.alloc(0)
    let end: Pick<StreamOutcome, 'ended'> | undefined
    try {
      for await (const piece of incoming) {
        const bytes = held.length === 0 ? (piece as Buffer) : Buffer.concat([held, piece as Buffer])
        const cut = bytes.lastIndexOf(LINE_FEED) + 1
        held = bytes.subarray(cut)
        end = this.#take(bytes.subarray(0, cut)) ?? end
      }
    } catch (error) {
      if (end === undefined) return this.#total({ broken: this.#gateway.unreachable(error as Error) })
    }
    if (end === undefined) {
      const broken = this.#gateway.unreachable(Object.assign(new Error(), { code: 'ECONNRESET' }))
      return this.#total({ broken })
    }
    return this.#total(end)
  }

  #total(more: Pick<StreamOutcome, 'ended' | 'broken'>): StreamOutcome {
    const [written, notWritten, unknown] = [this.#written, this.#notWritten, this.#unknown]
    return { written, notWritten, unknown, answered: this.#answered, ...more }
  }

  /** Counts whole lines of the answer. Nearly all say that a record is written: these are only counted. */
  #take(lines: Buffer): Pick<StreamOutcome, 'ended'> | undefined {
    if (!lines.includes('"error"') && !lines.includes('"summary"') && !lines.includes('"omitted"')) {
      let count = 0
      for (let at = lines.indexOf(LINE_FEED); at >= 0; at = lines.indexOf(LINE_FEED, at + 1)) count++
      this.#written += count
      this.#answered += count
      return undefined
    }
    let end: Pick<StreamOutcome, 'ended'> | undefined
    for (const text of lines.toString('utf8').split('\n')) {
      if (text === '') continue
      const line = JSON.parse(text) as AnswerLine
      if (line.summary !== undefined) end = { ended: line.error }
      else if (line.omitted !== undefined) this.#omitted(line.omitted)
      else if (line.error !== undefined) this.#failure({ index: line.index!, error: line.error })
      else {
        this.#written++
        this.#answered++
      }
    }
    return end
  }

  #failure(failure: Failure): void {
    if (failure.error.outcome === 'unknown') this.#unknown++
    else this.#notWritten++
    this.#answered++
    this.#failed(failure)
  }

  #omitted({ written, notWritten, unknown }: NonNullable<AnswerLine['omitted']>): void {
    this.#written += written
    this.#notWritten += notWritten
    this.#unknown += unknown
    this.#answered += written + notWritten + unknown
  }
}

interface AnswerLine {
  readonly index?: number
  readonly error?: ProblemDocument
  readonly summary?: object
  readonly omitted?: { readonly written: number; readonly notWritten: number; readonly unknown: number }
}
