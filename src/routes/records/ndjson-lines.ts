import type { FetchedRecord } from '../../records/fetched-record.ts'
import { Problem } from '../../problems/problem.ts'
import { ByteWriter } from '../../records/byte-writer.ts'
import type { CursorText } from '../../records/cursor-text.ts'
import type { RecordFormat } from '../../records/render-record.ts'
import { writeRecordLine } from '../../records/stream-lines.ts'
import type { EndReason } from '../../streams/events.ts'
import { type FeedLines, noticeOf, Prefixes } from './feed-lines.ts'

/** A stream as newline-delimited JSON: a record a line, and a last line that says how it ended. */
export class NdjsonLines implements FeedLines {
  readonly out = new ByteWriter(16_384)
  readonly way: string
  readonly endsAtProblem = true
  readonly #prefixes: Prefixes
  readonly #format: RecordFormat
  readonly #instance: string

  constructor(topic: string, format: RecordFormat, instance: string) {
    this.#prefixes = new Prefixes(topic)
    this.#format = format
    this.way = `ndjson ${format}`
    this.#instance = instance
  }

  record(partition: number, record: FetchedRecord, cursor: CursorText): void {
    writeRecordLine(this.out, this.#prefixes.of(partition), record, this.#format, cursor)
  }

  position(): void {}

  caughtUp(): void {}

  problem(problem: Problem, cursor: CursorText): void {
    this.#line({ error: { ...noticeOf(problem), instance: this.#instance }, cursor: cursor.toString() })
  }

  draining(_deadlineMs: number, cursor: CursorText): void {
    this.problem(new Problem('shutting_down', { detail: 'Go on elsewhere, from the cursor.' }), cursor)
  }

  end(reason: EndReason, cursor: CursorText): void {
    this.#line({ caughtUp: reason === 'until', cursor: cursor.toString() })
  }

  heartbeat(): void {}

  #line(value: object): void {
    this.out.copy(Buffer.from(`${JSON.stringify(value)}\n`))
  }
}
