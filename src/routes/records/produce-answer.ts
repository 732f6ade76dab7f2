import { Problem } from '../../problems/problem.ts'
import type { RecordResult } from '../../kafka/writer/write-request.ts'
import type { AppContext } from '../route.ts'

/** The JSON of one record's outcome: its position, or `{error}`. */
export function resultJson(result: RecordResult): string {
  if (result.outcome === 'written') {
    return `{"partition":${result.partition},"offset":${result.offset},"timestamp":${result.timestamp}}`
  }
  return JSON.stringify({ error: errorOf(result) })
}

/** What is told of a record that is not known to be written. */
export function errorOf({ problem, outcome }: Unwritten): object {
  return { ...problem.summary(), outcome }
}

const json = { 'content-type': 'application/json' }

/** Answers a request that sent one record. @throws the record's Problem where it was not written */
export function answerOne(c: AppContext, result: RecordResult): Response {
  if (result.outcome !== 'written') throw problemOf(result)
  return c.body(resultJson(result), 200, json)
}

/**
 * Answers a batch, in the order sent: 200 when all are written, 207 when some are.
 * @throws a record's Problem, with the same `results`, when none is: that of the first in doubt, else of the first
 */
export function answerBatch(c: AppContext, results: readonly RecordResult[]): Response {
  const unwritten = results.filter((result) => result.outcome !== 'written')
  if (unwritten.length < results.length) {
    const body = `{"results":[${results.map(resultJson).join(',')}]}`
    return c.body(body, unwritten.length === 0 ? 200 : 207, json)
  }
  const parsed = results.map((result) => JSON.parse(resultJson(result)) as unknown)
  throw problemOf(unwritten.find(({ outcome }) => outcome === 'unknown') ?? unwritten[0]!, {
    results: parsed,
  })
}

type Unwritten = Exclude<RecordResult, { outcome: 'written' }>

function problemOf({ problem: { code, options }, outcome }: Unwritten, extra?: object): Problem {
  return new Problem(code, { ...options, outcome, extra: { ...options.extra, ...extra } })
}
