import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { RecordResult } from '../../kafka/writer/write-request.ts'
import type { Problem } from '../../problems/problem.ts'
import { errorOf } from './produce-answer.ts'

/** Bytes of the answer that may wait for the client. */
const MAX_WAITING_BYTES = 262_144

/** Which results a client wants to see. */
export type ResultsWanted = 'all' | 'errors' | 'none'

interface Counts {
  written: number
  notWritten: number
  unknown: number
}

/**
 * The answer to a stream of records: a line for each result, in order, and a summary as the last. Where the client takes
 * nothing for `patienceMs` while it sends, results are counted instead of listed until it reads again: a client that
 * reads only when it has sent everything would wait for ever otherwise, and so would we.
 */
export class StreamAnswer {
  readonly #outgoing: ServerResponse
  readonly #wanted: ResultsWanted
  readonly #patienceMs: number
  readonly #counts: Counts = { written: 0, notWritten: 0, unknown: 0 }
  #records = 0
  #omitted: ({ from: number; to: number } & Counts) | undefined
  readonly #hurried = new AbortController()

  constructor(outgoing: ServerResponse, wanted: ResultsWanted, patienceMs: number) {
    this.#outgoing = outgoing
    this.#wanted = wanted
    this.#patienceMs = patienceMs
    outgoing.on('error', () => {})
    outgoing.writeHead(200, { 'content-type': 'application/x-ndjson' })
    // Who wants only errors may be one who takes an answer before the end of the body for a refusal.
    if (wanted === 'all') outgoing.flushHeaders()
  }

  get written(): number {
    return this.#counts.written
  }

  /** How many records have their result. */
  get records(): number {
    return this.#records
  }

  /** Adds the results of the next records. Resolves when there is room for more. */
  async add(results: readonly RecordResult[]): Promise<void> {
    let lines = this.#isFull(0.5) ? '' : this.#takeOmitted()
    for (const result of results) {
      const index = this.#records++
      count(this.#counts, result)
      if (this.#omitted !== undefined) {
        this.#omitted.to = index
        count(this.#omitted, result)
      } else lines += this.#line(index, result)
    }
    if (lines !== '' && !this.#outgoing.destroyed) this.#outgoing.write(lines)
    if (this.#omitted !== undefined || !this.#isFull() || this.#hurried.signal.aborted) return
    if (await this.#drained()) return
    this.#omitted = { from: this.#records, to: this.#records, written: 0, notWritten: 0, unknown: 0 }
  }

  /** Has nothing wait for the client any more: few results are left. */
  hurry(): void {
    this.#hurried.abort()
  }

  /** Writes the last line. `problem` says why the stream ended before its body did. */
  end(problem: Problem | undefined): void {
    const omitted = this.#takeOmitted()
    const error = problem && { ...problem.summary(), outcome: 'not_written' }
    const last = JSON.stringify({ error, summary: { records: this.#records, ...this.#counts } })
    this.#outgoing.end(`${omitted}${last}\n`)
  }

  #line(index: number, result: RecordResult): string {
    if (result.outcome !== 'written') {
      return this.#wanted === 'none' ? '' : `${JSON.stringify({ index, error: errorOf(result) })}\n`
    }
    if (this.#wanted !== 'all') return ''
    const { partition, offset, timestamp } = result
    return `{"index":${index},"partition":${partition},"offset":${offset},"timestamp":${timestamp}}\n`
  }

  #takeOmitted(): string {
    const omitted = this.#omitted
    this.#omitted = undefined
    return omitted === undefined || omitted.from === this.#records ? '' : `${JSON.stringify({ omitted })}\n`
  }

  #isFull(share = 1): boolean {
    const { destroyed, writableLength } = this.#outgoing
    return !destroyed && writableLength > MAX_WAITING_BYTES * share
  }

  /** False where the client took too little for too long. */
  async #drained(): Promise<boolean> {
    const done = new AbortController()
    const signal = AbortSignal.any([done.signal, this.#hurried.signal])
    const timer = setTimeout(() => done.abort('late'), this.#patienceMs)
    try {
      await Promise.race([
        once(this.#outgoing, 'drain', { signal }),
        once(this.#outgoing, 'close', { signal }),
      ])
      return true
    } catch {
      return this.#hurried.signal.aborted
    } finally {
      clearTimeout(timer)
      done.abort()
    }
  }
}

function count(counts: Counts, { outcome }: RecordResult): void {
  if (outcome === 'written') counts.written++
  else if (outcome === 'unknown') counts.unknown++
  else counts.notWritten++
}
