import type { FetchedRecord } from '../../records/fetched-record.ts'
import type { Problem } from '../../problems/problem.ts'
import { ByteWriter } from '../../records/byte-writer.ts'
import type { CursorText } from '../../records/cursor-text.ts'
import type { RecordFormat } from '../../records/render-record.ts'
import { writeNotice, writePosition, writeRecordEvent } from '../../records/stream-lines.ts'
import type { EndReason } from '../../streams/events.ts'
import { type FeedLines, noticeOf, Prefixes } from './feed-lines.ts'

/** How long a browser waits before it connects again, ms. */
const RETRY_MS = 1_000

/** A stream as server-sent events (the HTML standard, section 9.2): the id of each is the cursor after it. */
export class EventLines implements FeedLines {
  readonly out = new ByteWriter(16_384)
  readonly way: string
  readonly endsAtProblem = false
  readonly #prefixes: Prefixes
  readonly #format: RecordFormat
  readonly #instance: string

  constructor(topic: string, format: RecordFormat, instance: string) {
    this.#prefixes = new Prefixes(topic)
    this.#format = format
    this.way = `events ${format}`
    this.#instance = instance
    this.out.ascii(`retry: ${RETRY_MS}\n\n`)
  }

  record(partition: number, record: FetchedRecord, cursor: CursorText): void {
    writeRecordEvent(this.out, this.#prefixes.of(partition), record, this.#format, cursor)
  }

  position(cursor: CursorText): void {
    writePosition(this.out, cursor)
  }

  caughtUp(cursor: CursorText): void {
    writeNotice(this.out, 'caughtUp', '{}', cursor)
  }

  problem(problem: Problem): void {
    writeNotice(this.out, 'problem', JSON.stringify({ ...noticeOf(problem), instance: this.#instance }))
  }

  draining(deadlineMs: number, cursor: CursorText): void {
    writeNotice(this.out, 'draining', JSON.stringify({ deadlineMs }), cursor)
  }

  end(reason: EndReason, cursor: CursorText): void {
    writeNotice(this.out, 'end', JSON.stringify({ reason }), cursor)
  }

  /** A comment, which clients pass over. */
  heartbeat(): void {
    this.out.ascii(':\n\n')
  }
}
