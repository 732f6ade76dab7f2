import type { Deps } from '../../deps.ts'
import type { Allowance } from '../../limits/allowance.ts'
import { Signal } from '../../kafka/reader/signal.ts'
import type { WriteOrder } from '../../kafka/writer/record-writer.ts'
import { outcomeUnknown } from '../../kafka/writer/verdict.ts'
import type { WriteChoice } from '../../kafka/writer/topic-writer.ts'
import type { RecordResult } from '../../kafka/writer/write-request.ts'
import { Problem } from '../../problems/problem.ts'
import type { OutgoingRecord } from '../../records/record.ts'
import { skipSpace } from '../../records/json-scan.ts'
import { LineSplitter } from '../../records/line-splitter.ts'
import { parseProduceLine } from '../../records/produce-body.ts'
import type { Sending } from '../../tracing/tracing.ts'
import type { BodyPieces } from './body-pieces.ts'
import { RECORD_OVERHEAD_BYTES } from './produce-form.ts'
import type { StreamAnswer } from './stream-answer.ts'

/** The most that one stream has in hand between its socket and its answer, bytes. */
const WINDOW_BYTES = 524_288

/** Records that came together, in order, until their results are in the answer. */
interface Group {
  readonly records: OutgoingRecord[]
  /** By place in the group: why a line is no record, or undefined where it is one. */
  readonly faults: (Problem | undefined)[]
  /** What it holds of the byte budget. */
  cost: number
  results?: readonly RecordResult[]
}

/**
 * One stream of records under way: lines are written as they come and answered in order. It reads no further than its
 * window and its share of the byte budget, and ends with the body, where that stalls, or where the gateway stops.
 */
export class RecordStream {
  readonly #topic: string
  readonly #deps: Deps
  readonly #answer: StreamAnswer
  readonly #splitter: LineSplitter
  readonly #window: number
  readonly #order: WriteOrder = {}
  readonly #choice: WriteChoice
  readonly #sending: Sending | undefined
  readonly #allowance: Allowance | undefined
  /** Groups without a place in the answer yet, in order. */
  readonly #groups: Group[] = []
  /** Raised when there may be something to read, or reason to stop. */
  readonly #intake = new Signal()
  /** Raised when there may be something to answer. */
  readonly #outlet = new Signal()
  #body!: BodyPieces
  /** Bytes of the budget held, and how many of them no group holds yet. */
  #held = 0
  #loose = 0
  #movedAt = performance.now()
  #received = 0
  #fault: Problem | undefined
  #intakeOver = false
  #givenUp = false
  /** It waits for its sender's rate. */
  #isHeld = false

  /** `allowance` of who sends it. */
  constructor(
    topic: string,
    deps: Deps,
    answer: StreamAnswer,
    choice: WriteChoice,
    { sending, allowance }: { sending?: Sending | undefined; allowance?: Allowance | undefined } = {},
  ) {
    this.#sending = sending
    this.#allowance = allowance
    this.#choice = choice
    this.#topic = topic
    this.#deps = deps
    this.#answer = answer
    this.#splitter = new LineSplitter(deps.config.limits.maxBodyBytes)
    this.#window = Math.min(WINDOW_BYTES, deps.config.limits.produceBufferTopicBytes / 4)
  }

  /** Bytes of the body that have come. */
  get received(): number {
    return this.#received
  }

  /** To be told of bytes of the body when they come. */
  readonly arrived = (bytes: number): void => {
    this.#deps.budget.take(this.#topic, bytes)
    this.#held += bytes
    this.#received += bytes
    this.#loose += bytes
    this.#movedAt = performance.now()
    this.#allowance?.takeBytes(bytes)
    this.#intake.raise()
  }

  /** Ends the stream: what has been taken of it is still answered. */
  stop(problem: Problem): void {
    this.#fault ??= problem
    this.#intake.raise()
  }

  /** Waits no longer for outcomes: they are unknown. */
  giveUp(): void {
    this.#givenUp = true
    this.#outlet.raise()
  }

  /** Resolves when the last line of the answer is written; true where the body ended as it should. */
  async run(body: BodyPieces): Promise<boolean> {
    this.#body = body
    try {
      const answered = this.#answerAll()
      const problem = await this.#takeIn()
      this.#intakeOver = true
      this.#answer.hurry()
      this.#outlet.raise()
      await answered
      this.#answer.end(problem && withLast(problem, this.#answer.records))
      return problem === undefined
    } finally {
      this.#deps.budget.release(this.#topic, this.#held)
    }
  }

  /** Takes the body in. Resolves at its end, or with what ended it before. */
  async #takeIn(): Promise<Problem | undefined> {
    for (;;) {
      if (this.#fault !== undefined) return this.#fault
      if (!(await this.#hasRoom()) || !(await this.#mayRead())) continue
      const pieces = this.#body.take()
      if (pieces.length > 0) this.#handOver(pieces)
      else if (this.#body.state !== 'open') break
      else if (this.#isIdle()) return stalled(this.#deps.config.limits.streamIdleMs)
      else await this.#intake.wait(this.#deps.config.limits.streamIdleMs)
    }
    // A line that the client did not live to end is no line.
    if (this.#body.state === 'cut') return new Problem('bad_request', { detail: 'The body ended early.' })
    this.#handOver([], 'end')
    return undefined
  }

  /** False where it had to wait: look again. */
  async #hasRoom(): Promise<boolean> {
    const { budget, config } = this.#deps
    if (this.#held - this.#loose > this.#window) {
      await this.#intake.wait()
      return false
    }
    if (budget.hasRoom(this.#topic, this.#held)) return true
    const since = performance.now()
    void budget.released().then(() => this.#intake.raise())
    await this.#intake.wait(config.limits.produceTimeoutMs)
    // Others may wait for what this half of a line holds, as this does for theirs.
    if (performance.now() - since >= config.limits.produceTimeoutMs && this.#groups.length === 0) {
      this.#dropUnfinished()
    }
    return false
  }

  /** The same of its sender's rate: what waits for that is no idleness of the client's. */
  async #mayRead(): Promise<boolean> {
    const waitMs = this.#allowance?.bytesOpenIn ?? 0
    if (waitMs === 0 || this.#body.state !== 'open') {
      this.#isHeld = false
      return true
    }
    if (!this.#isHeld) this.#deps.admission.held()
    this.#isHeld = true
    await this.#intake.wait(waitMs)
    this.#movedAt = performance.now()
    return false
  }

  #isIdle(): boolean {
    const { streamIdleMs } = this.#deps.config.limits
    return this.#groups.length === 0 && performance.now() - this.#movedAt >= streamIdleMs
  }

  #dropUnfinished(): void {
    if (this.#splitter.heldBytes === 0) return
    this.#splitter.drop()
    const group: Group = { records: [], faults: [new Problem('overloaded')], cost: 0 }
    this.#submit(group)
  }

  #handOver(pieces: readonly Buffer[], end?: 'end'): void {
    const group: Group = { records: [], faults: [], cost: 0 }
    const { maxBodyBytes } = this.#deps.config.limits
    const add = (line: Buffer | undefined) => {
      if (line === undefined) group.faults.push(tooLong(maxBodyBytes))
      else if (skipSpace(line, 0, line.length) < line.length) addLine(group, line)
    }
    for (const piece of pieces) this.#splitter.push(piece, add)
    const last = end && this.#splitter.end()
    if (last !== undefined) add(last)
    this.#submit(group)
  }

  /** Has a group's records written, and answered in their turn. */
  #submit(group: Group): void {
    const { budget, writer } = this.#deps
    const overhead = group.faults.length * RECORD_OVERHEAD_BYTES
    budget.take(this.#topic, overhead)
    this.#held += overhead
    group.cost = this.#loose - this.#splitter.heldBytes + overhead
    this.#loose = this.#splitter.heldBytes
    if (group.faults.length === 0) return this.#letGo(group)
    this.#groups.push(group)
    const settled = (written: readonly RecordResult[]) => {
      group.results = merge(group.faults, written)
      this.#outlet.raise()
    }
    if (group.records.length === 0) return settled([])
    writer
      .write(this.#topic, this.#sending?.stamp(group.records) ?? group.records, {
        ...this.#choice,
        order: this.#order,
      })
      .then(settled, (error: unknown) => {
        const result = failure(error)
        settled(group.records.map(() => result))
      })
  }

  /** Answers groups in their order, whichever is done first. */
  async #answerAll(): Promise<void> {
    while (!this.#intakeOver || this.#groups.length > 0) {
      const group = this.#groups[0]
      const results = group?.results ?? (group && this.#givenUp ? inDoubt(group) : undefined)
      if (group === undefined || results === undefined) {
        await this.#outlet.wait()
        continue
      }
      await this.#answer.add(results)
      this.#groups.shift()
      this.#movedAt = performance.now()
      this.#letGo(group)
    }
  }

  #letGo({ cost }: Group): void {
    this.#held -= cost
    this.#deps.budget.release(this.#topic, cost)
    this.#intake.raise()
  }
}

function addLine(group: Group, line: Buffer): void {
  try {
    group.records.push(parseProduceLine(line))
    group.faults.push(undefined)
  } catch (error) {
    group.faults.push(error instanceof Problem ? error : new Problem('internal_error', { cause: error }))
  }
}

function merge(
  faults: readonly (Problem | undefined)[],
  written: readonly RecordResult[],
): readonly RecordResult[] {
  if (faults.length === written.length) return written
  let next = 0
  return faults.map((problem) =>
    problem === undefined ? written[next++]! : { outcome: 'not_written', problem },
  )
}

function failure(error: unknown): RecordResult {
  if (!(error instanceof Problem)) {
    return { outcome: 'unknown', problem: new Problem('internal_error', { cause: error }) }
  }
  return { outcome: error.options.outcome ?? 'not_written', problem: error }
}

function inDoubt({ faults }: Group): readonly RecordResult[] {
  return faults.map((problem) =>
    problem === undefined
      ? { outcome: 'unknown', problem: outcomeUnknown('shutdown') }
      : { outcome: 'not_written', problem },
  )
}

function tooLong(limit: number): Problem {
  return new Problem('line_too_long', { detail: `The line is longer than ${limit} bytes.` })
}

function stalled(idleMs: number): Problem {
  return new Problem('request_timeout', { detail: `Nothing came for ${idleMs} ms.` })
}

/** Says in words up to where the stream was taken. */
function withLast(problem: Problem, records: number): Problem {
  const last = records === 0 ? 'Nothing was written.' : `Nothing after index ${records - 1} was written.`
  const detail = `${problem.message.replace(/\.$/, '')}. ${last}`
  return new Problem(problem.code, { ...problem.options, detail })
}
