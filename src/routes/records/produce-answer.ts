import { Problem } from '../../problem.ts'
import type { RecordResult } from '../../kafka/writer/write-request.ts'
import type { AppContext } from '../route.ts'

/** The JSON of one record's outcome: its position, or `{error}`. */
export function resultJson(result: RecordResult): string {
  if (result.outcome === 'written') {
    return `{"partition":${result.partition},"offset":${result.offset},"timestamp":${result.timestamp}}`
  }
  return JSON.stringify({ error: { ...result.problem.summary(), outcome: result.outcome } })
}

const json = { 'content-type': 'application/json' }

/** Answers a request that sent one record. @throws the record's Problem where it was not written */
export function answerOne(c: AppContext, result: RecordResult): Response {
  if (result.outcome !== 'written') throw result.problem
  return c.body(resultJson(result), 200, json)
}

/**
 * Answers a batch, in the order sent: 200 when all are written, 207 when some are.
 * @throws the first record's Problem, with the same `results`, when none is
 */
export function answerBatch(c: AppContext, results: readonly RecordResult[]): Response {
  const written = results.filter((result) => result.outcome === 'written').length
  if (written === 0) {
    const first = results[0] as Exclude<RecordResult, { outcome: 'written' }>
    const { code, options } = first.problem
    // In doubt as a whole where any record is.
    const outcome = results.some((result) => result.outcome === 'unknown') ? 'unknown' : 'not_written'
    const parsed = results.map((result) => JSON.parse(resultJson(result)) as unknown)
    throw new Problem(code, { ...options, outcome, extra: { ...options.extra, results: parsed } })
  }
  const body = `{"results":[${results.map(resultJson).join(',')}]}`
  return c.body(body, written === results.length ? 200 : 207, json)
}
