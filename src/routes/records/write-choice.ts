import { z } from 'zod'
import type { Deps } from '../../deps.ts'
import type { RecordResult } from '../../kafka/writer/write-request.ts'
import { Problem } from '../../problems/problem.ts'
import type { OutgoingRecord } from '../../records/record.ts'
import { tracedWrite, type TraceSpan } from '../../tracing/tracing.ts'
import type { AppContext } from '../route.ts'

const MIN_TIMEOUT_MS = 100
const MAX_TIMEOUT_MS = 300_000
const timeoutText = `expected milliseconds, from ${MIN_TIMEOUT_MS} to ${MAX_TIMEOUT_MS}`

/** What a request may say of how its records are written, in every form of them. */
export const WriteQuery = z.strictObject({
  acks: z
    .enum(['all', '1', '0'], { error: 'expected all, 1 or 0' })
    .optional()
    .describe(
      "Who must have the records before the answer: `all` in-sync replicas, `1`, the leader alone, or `0`, nobody: the answer is 202, and what becomes of them is not told. The topic's default where left out.",
    ),
  timeout: z
    .string()
    .regex(/^\d{1,6}$/, timeoutText)
    .transform(Number)
    .pipe(z.number().min(MIN_TIMEOUT_MS, timeoutText).max(MAX_TIMEOUT_MS, timeoutText))
    .optional()
    .describe('Milliseconds within which every record has its outcome.'),
})

export interface WriteChoice {
  readonly acks?: 'all' | '1' | '0' | undefined
  readonly timeoutMs?: number | undefined
}

const NO_CHOICE: WriteChoice = {}

/** What the query, which has been checked, says of how to write. */
export function writeChoice(c: AppContext): WriteChoice {
  if (!c.req.url.includes('?')) return NO_CHOICE
  const { acks, timeout } = WriteQuery.parse({ acks: c.req.query('acks'), timeout: c.req.query('timeout') })
  return { acks, timeoutMs: timeout }
}

export interface WriteHandlers {
  /** As WriteOptions has it. */
  readonly onQueued: (cancel: () => void) => void
  /** Called when all have their outcome. */
  readonly done: () => void
  /** Of the request that they came with. */
  readonly span: TraceSpan | undefined
}

/**
 * Writes records and resolves with their outcomes; with `acks=0` as soon as they wait to be sent, with undefined.
 * @throws as TopicWriter.write; `done` has been called then
 */
export async function writeAsChosen(
  { writer, log, tracing }: Pick<Deps, 'writer' | 'log' | 'tracing'>,
  topic: string,
  records: readonly OutgoingRecord[],
  { acks, timeoutMs }: WriteChoice,
  { onQueued, done, span }: WriteHandlers,
): Promise<RecordResult[] | undefined> {
  const write = (options: Parameters<typeof writer.write>[2]) =>
    tracedWrite(tracing, topic, records, span, (own) => writer.write(topic, own, options)).finally(done)
  if (acks !== '0') return write({ acks, timeoutMs, onQueued })
  const { promise: queued, resolve } = Promise.withResolvers<undefined>()
  const written = write({ timeoutMs, onQueued: () => resolve(undefined) })
  void written.then(
    (results) => {
      const failed = results.find(({ outcome }) => outcome !== 'written')
      if (failed !== undefined && failed.outcome !== 'written') {
        log.warn({ topic, code: failed.problem.code }, 'records of a request with acks=0 were not written')
      }
    },
    (error: unknown) => {
      if (!(error instanceof Problem))
        log.error({ topic, error }, 'records of a request with acks=0 were lost')
    },
  )
  return Promise.race([written, queued])
}
