import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { z } from 'zod'
import type { Deps } from '../../deps.ts'
import { Problem } from '../../problems/problem.ts'
import { type MediaType, refuseEncoding } from '../body.ts'
import { requestIdOf } from '../../http/request-id.ts'
import { type AppContext, parseQuery } from '../route.ts'
import { isEvent } from './produce-events.ts'
import { refuseKafkaHeaders } from './kafka-headers.ts'
import { overloaded, refuseOtherCharset } from './produce-form.ts'
import { isValue } from './raw-record.ts'
import { RecordStream } from './record-stream.ts'
import { StreamAnswer } from './stream-answer.ts'
import { StreamConnection } from './stream-connection.ts'
import { WriteQuery } from './write-choice.ts'

/** What a stream costs while it does nothing, roughly. */
const STREAM_BYTES = 16_384
/** How much of a shutdown's time is left for the last lines, ms, once outcomes are waited for no longer. */
const LAST_LINES_MS = 1_500
/** Names that newline-delimited JSON goes by. */
const types = new Set([
  'application/x-ndjson',
  'application/ndjson',
  'application/jsonl',
  'application/x-jsonlines',
])

export const StreamQuery = z.strictObject({
  results: z
    .enum(['all', 'errors', 'none'])
    .optional()
    .describe('Of a stream: which records get a line in the answer, before the summary.'),
})
/** Each record is answered for, so somebody has to confirm it. */
const OwnQuery = StreamQuery.extend({
  ...WriteQuery.shape,
  acks: z.enum(['all', '1'], { error: 'expected all or 1' }).optional(),
})

/** Whether the body is a stream of records: by its type, unless the request says that it is something else. */
export function isStream(
  { env: { incoming } }: AppContext,
  media: MediaType | undefined,
): media is MediaType {
  return media !== undefined && types.has(media.type) && !isEvent(incoming.headers) && !isValue(incoming)
}

/**
 * Answers a body of any length, a record a line, while it comes. Resolves when the answer is complete.
 * @throws Problem where nothing of it can be written; the answer has not begun then
 */
export async function produceStream(
  c: AppContext,
  topic: string,
  media: MediaType,
  deps: Deps,
): Promise<Response> {
  refuseOtherCharset(media)
  refuseKafkaHeaders(c.env.incoming)
  const { results = 'all', acks, timeout: timeoutMs } = parseQuery(OwnQuery, c)
  const { incoming, outgoing } = c.env
  const { allowance } = outgoing
  refuseEncoding(incoming)
  allowance?.checkStream()
  if (!deps.budget.tryReserve(topic, STREAM_BYTES)) throw overloaded()
  const giveBack = allowance?.takeStream()
  const connection = new StreamConnection(c.env)
  try {
    // Finds out whether there is such a topic.
    await deps.writer.write(topic, [])
    const answer = new StreamAnswer(outgoing, results, deps.config.limits.produceTimeoutMs)
    const sending = deps.tracing?.sending(topic, undefined, outgoing.span)
    const stream = new RecordStream(topic, deps, answer, { acks, timeoutMs }, { sending, allowance })
    deps.observer.streams(incoming, outgoing)
    const caller = deps.guard.callerOf(incoming)
    const unwatch = caller.watch(
      () => caller.requireTopics('produce', [topic]),
      (problem) => stream.stop(problem),
    )
    await run(stream, connection, deps).finally(() => {
      unwatch()
      const { records, written } = answer
      const outcome = written === records ? 'written' : written === 0 ? 'not_written' : 'mixed'
      Object.assign(outgoing, { records, outcome, receivedBytes: stream.received })
      sending?.end({ written, records })
    })
  } catch (error) {
    if (!outgoing.headersSent) throw error
    deps.log.error({ requestId: requestIdOf(c), cause: error }, 'a stream of records broke')
    incoming.socket.destroy()
  } finally {
    connection.release()
    giveBack?.()
    deps.budget.release(topic, STREAM_BYTES)
  }
  return RESPONSE_ALREADY_SENT
}

/** Runs a stream to its end, or to that of the gateway. */
async function run(
  stream: RecordStream,
  connection: StreamConnection,
  { stopping, config }: Deps,
): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const onStop = () => {
    stream.stop(new Problem('shutting_down'))
    const { shutdownTimeoutMs } = config
    const patienceMs = shutdownTimeoutMs - Math.min(LAST_LINES_MS, shutdownTimeoutMs / 2)
    timer = setTimeout(() => stream.giveUp(), patienceMs)
  }
  stopping.addEventListener('abort', onStop)
  if (stopping.aborted) onStop()
  try {
    const isWhole = await stream.run(connection.body(stream.arrived))
    if (!isWhole) connection.close()
  } finally {
    clearTimeout(timer)
    stopping.removeEventListener('abort', onStop)
  }
}
