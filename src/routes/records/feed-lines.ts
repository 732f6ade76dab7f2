import type { FetchedRecord } from '../../records/fetched-record.ts'
import type { Problem } from '../../problems/problem.ts'
import type { ByteWriter } from '../../records/byte-writer.ts'
import type { CursorText } from '../../records/cursor-text.ts'
import { type RecordPrefix, recordPrefix } from '../../records/render-record.ts'
import type { EndReason } from '../../streams/events.ts'

/** How a stream says what it has to say: each method writes to `out`. */
export interface FeedLines {
  readonly out: ByteWriter
  /** What tells these lines from others that say the same. */
  readonly way: string
  /** Whether a problem ends it, though reading could go on. */
  readonly endsAtProblem: boolean
  record(partition: number, record: FetchedRecord, cursor: CursorText): void
  /** The position has moved without a record to show. */
  position(cursor: CursorText): void
  caughtUp(cursor: CursorText): void
  problem(problem: Problem, cursor: CursorText): void
  /** The gateway shuts down within so many ms; the last that is said. */
  draining(deadlineMs: number, cursor: CursorText): void
  /** The last that is said. */
  end(reason: EndReason, cursor: CursorText): void
  /** To be said where there has been nothing else for a while. */
  heartbeat(): void
}

/** What is told of a problem on a stream, whose status has been sent. */
export function noticeOf(problem: Problem): Record<string, unknown> {
  return { ...problem.summary(), ...problem.options.extra }
}

/** The beginnings of a topic's records, by partition. */
export class Prefixes {
  readonly #topic: string
  readonly #prefixes: RecordPrefix[] = []

  constructor(topic: string) {
    this.#topic = topic
  }

  of(partition: number): RecordPrefix {
    return (this.#prefixes[partition] ??= recordPrefix(this.#topic, partition))
  }
}
