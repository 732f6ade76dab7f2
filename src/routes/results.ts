import { z } from 'zod'
import { Problem } from '../problems/problem.ts'
import { type AppContext, ProblemCodes } from './route.ts'

/** Why one of several changes was not made. */
export const ItemError = z
  .strictObject({ code: ProblemCodes, title: z.string(), detail: z.string(), retryable: z.boolean() })
  .optional()
  .describe('Why it was not done; missing where it was.')

/** What became of one of several changes. */
export interface ItemResult {
  readonly document: object
  readonly problem: Problem | undefined
}

/**
 * Answers a change of several things that Kafka makes one by one: 200 when all were made, 207 when some were.
 * @param rest members of the answer beside `results`
 * @param done the status when all were: 202 where they only begin
 * @throws the first one's Problem, with the same `results`, when none was
 */
export function answerEach(
  c: AppContext,
  items: readonly ItemResult[],
  rest: object,
  done: 200 | 202 = 200,
): Response {
  const { dryRun, validateOnly } = rest as { dryRun?: boolean; validateOnly?: boolean }
  if (dryRun || validateOnly) c.env.outgoing.outcome = 'validated'
  const results = items.map(({ document, problem }) =>
    problem === undefined ? document : { ...document, error: problem.summary() },
  )
  const problems = items.flatMap(({ problem }) => problem ?? [])
  if (problems.length > 0 && problems.length === items.length) {
    const { code, options } = problems[0]!
    throw new Problem(code, { ...options, extra: { ...options.extra, results } })
  }
  return c.json({ results, ...rest }, problems.length === 0 ? done : 207)
}
