import type { Deps } from '../../deps.ts'
import type { FetchedRecord } from '../../records/fetched-record.ts'
import { Problem } from '../../problems/problem.ts'
import type { ProgressEvent, RecordsEvent, StreamEvent } from '../../streams/events.ts'
import { isSharedTurn, Renderings } from '../../streams/renderings.ts'
import type { TopicStream } from '../../streams/topic-stream.ts'
import type { TraceSpan } from '../../tracing/tracing.ts'
import type { Outlet } from '../outlet.ts'
import type { FeedLines } from './feed-lines.ts'

/** What is handed to the socket at once, bytes. */
const PIECE_BYTES = 131_072

/** Lines that many clients are sent. */
const shared = new Renderings<Buffer>()

/** One stream of records over HTTP: what the core has to say goes out in lines, as fast as the client takes them. */
export class RecordFeed {
  readonly #stream: TopicStream
  readonly #lines: FeedLines
  readonly #outlet: Outlet
  readonly #deps: Deps
  readonly #watchCaller: (failed: (problem: Problem) => void) => () => void
  /** Why the client may have no more. */
  #refused: Problem | undefined
  readonly #span: TraceSpan | undefined
  /** Aborted when the client is gone or the gateway stops. */
  readonly #over = new AbortController()
  /** Whether the client was not told the newest position. */
  #owesPosition = false
  /** Nothing else was sent since the last heartbeat was due. */
  #isQuiet = false

  /** `span` of the request. */
  constructor(
    stream: TopicStream,
    lines: FeedLines,
    outlet: Outlet,
    deps: Deps,
    watchCaller: (failed: (problem: Problem) => void) => () => void,
    span: TraceSpan | undefined,
  ) {
    this.#span = span
    this.#stream = stream
    this.#lines = lines
    this.#outlet = outlet
    this.#deps = deps
    this.#watchCaller = watchCaller
  }

  /** Resolves when the client has everything, or is gone. */
  async run(): Promise<void> {
    const { stopping, config } = this.#deps
    const over = () => this.#over.abort()
    const { signal } = this.#outlet
    signal.addEventListener('abort', over)
    stopping.addEventListener('abort', over)
    if (signal.aborted || stopping.aborted) over()
    const unwatch = this.#watchCaller((problem) => {
      this.#refused = problem
      over()
    })
    const heartbeat = setInterval(() => this.#beat(), config.limits.sseHeartbeatMs).unref()
    try {
      this.#flush()
      await this.#outlet.writable(this.#over.signal)
      while (!(await this.#turn()));
      if (signal.aborted) return
      if (this.#refused !== undefined) this.#lines.problem(this.#refused, this.#stream.cursor())
      else if (stopping.aborted) this.#lines.draining(config.shutdownTimeoutMs, this.#stream.cursor())
    } catch (error) {
      const problem = error instanceof Problem ? error : new Problem('internal_error', { cause: error })
      this.#deps.log.warn({ code: problem.code, cause: problem.cause }, 'a stream of records ended early')
      this.#lines.problem(problem, this.#stream.cursor())
    } finally {
      clearInterval(heartbeat)
      unwatch()
      stopping.removeEventListener('abort', over)
    }
    this.#flush()
    await this.#outlet.end({ close: stopping.aborted })
  }

  /** Says what there is to say; true where that was the last. */
  async #turn(): Promise<boolean> {
    const { signal } = this.#over
    const events = await this.#stream.next(signal)
    if (events.length === 0) return true
    if (isSharedTurn(events)) {
      await this.#sendShared(events)
      return signal.aborted
    }
    for (const event of events) {
      if (event.kind === 'records') {
        await this.#records(event)
        this.#count(event)
      } else if (this.#other(event)) return true
      if (signal.aborted) return true
    }
    // Else whoever resumes would look through it all again.
    if (this.#owesPosition) this.#lines.position(this.#stream.cursor())
    this.#owesPosition = false
    await this.#send()
    return signal.aborted
  }

  /** Sends what others are sent, too; it is written once. */
  async #sendShared(events: readonly (RecordsEvent | ProgressEvent)[]): Promise<void> {
    const { way, out } = this.#lines
    const bytes = shared.of(events, way, this.#stream.cursor().toString(), () => {
      for (const event of events) {
        if (event.kind === 'records') for (const record of event.records) this.#record(event, record)
        this.#passed(event)
      }
      if (this.#owesPosition) this.#lines.position(this.#stream.cursor())
      return out.takeOften()
    })
    for (const event of events) {
      this.#passed(event)
      if (event.kind === 'records') this.#count(event)
    }
    this.#owesPosition = false
    if (bytes.length > 0) this.#isQuiet = false
    this.#outlet.write(bytes)
    await this.#outlet.writable(this.#over.signal)
  }

  #record({ topic, partition }: RecordsEvent, record: FetchedRecord): void {
    this.#stream.moveTo(topic, partition, record.offset + 1)
    this.#lines.record(partition, record, this.#stream.cursor())
    this.#owesPosition = false
  }

  /** To be told of what went to this client; what is rendered for many may be rendered by another. */
  #count(event: RecordsEvent): void {
    const { cluster, tracing } = this.#deps
    cluster.meter.traffic.delivered(event.topic, event.records)
    tracing?.delivered(event, { span: this.#span })
  }

  /** Everything of an event is written. */
  #passed({ topic, partition, nextOffset }: RecordsEvent | ProgressEvent): void {
    this.#owesPosition = this.#stream.moveTo(topic, partition, nextOffset) || this.#owesPosition
  }

  async #records(event: RecordsEvent): Promise<void> {
    const { signal } = this.#over
    for (const record of event.records) {
      this.#record(event, record)
      if (this.#lines.out.length < PIECE_BYTES) continue
      await this.#send()
      if (signal.aborted) return
    }
    this.#passed(event)
  }

  /** True for what is the last. */
  #other(event: Exclude<StreamEvent, RecordsEvent>): boolean {
    const cursor = this.#stream.cursor()
    switch (event.kind) {
      case 'assigned':
        this.#owesPosition = true
        return false
      case 'progress':
        this.#passed(event)
        return false
      case 'problem':
        this.#lines.problem(event.problem, cursor)
        return event.final || this.#lines.endsAtProblem
      case 'revoked':
        return false
      case 'caughtUp':
        this.#owesPosition = false
        this.#lines.caughtUp(cursor)
        return false
      case 'end':
        this.#lines.end(event.reason, cursor)
        return true
    }
  }

  /** Sends what was written, and waits until there is room for more, or nobody to say it to. */
  async #send(): Promise<void> {
    this.#flush()
    await this.#outlet.writable(this.#over.signal)
  }

  #flush(): void {
    if (this.#lines.out.length === 0) return
    this.#isQuiet = false
    this.#outlet.write(this.#lines.out.takeOften())
  }

  #beat(): void {
    if (this.#isQuiet && this.#outlet.isTaken && this.#lines.out.length === 0) {
      this.#lines.heartbeat()
      this.#flush()
    }
    this.#isQuiet = true
  }
}
