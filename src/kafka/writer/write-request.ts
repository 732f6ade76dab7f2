import type { Problem } from '../../problems/problem.ts'

/** What became of one record. */
export type RecordResult =
  | {
      readonly outcome: 'written'
      readonly partition: number
      /** Null where the broker confirmed the record without saying where it is. */
      readonly offset: number | null
      /** Milliseconds since the epoch, as stored. */
      readonly timestamp: number
    }
  | { readonly outcome: 'not_written' | 'unknown'; readonly problem: Problem }

/** Gathers the outcomes of one call's records; done when each has one. */
export class WriteRequest {
  readonly #results: RecordResult[]
  #left: number
  readonly #done: (results: RecordResult[]) => void

  constructor(count: number, done: (results: RecordResult[]) => void) {
    this.#results = new Array<RecordResult>(count)
    this.#left = count
    this.#done = done
  }

  /** Each record has its outcome. */
  get settled(): boolean {
    return this.#left === 0
  }

  settle(index: number, result: RecordResult): void {
    this.#results[index] = result
    if (--this.#left === 0) this.#done(this.#results)
  }
}
