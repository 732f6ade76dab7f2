import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { Deps } from '../../deps.ts'
import { ReadPace } from '../../limits/read-pace.ts'
import { Problem } from '../../problems/problem.ts'
import { recordFilter } from '../../records/record-filter.ts'
import { requestIdOf } from '../../http/request-id.ts'
import { openSharedReader } from '../../streams/event-reader.ts'
import { TopicStream } from '../../streams/topic-stream.ts'
import { Outlet } from '../outlet.ts'
import type { AppContext } from '../route.ts'
import { EventLines } from './event-lines.ts'
import { NdjsonLines } from './ndjson-lines.ts'
import type { StreamQuery } from './read-schemas.ts'
import { RecordFeed } from './record-feed.ts'

export const EVENT_STREAM = 'text/event-stream'
export const NDJSON = 'application/x-ndjson'
export type StreamType = typeof EVENT_STREAM | typeof NDJSON

/**
 * Answers a read with a stream of records. Resolves when the client has all of it, or is gone.
 * @throws Problem where there is nothing to begin with; the answer has not begun then
 */
export async function streamRecords(
  c: AppContext,
  topic: string,
  type: StreamType,
  query: StreamQuery,
  deps: Deps,
): Promise<Response> {
  const isEvents = type === EVENT_STREAM
  const options = { topics: [topic], ...toOptions(query, isEvents, lastEventId(c, isEvents)), strict: true }
  const headers = { 'content-type': type, 'cache-control': 'no-store', 'x-accel-buffering': 'no' }
  const { cluster, config, log } = deps
  const release = deps.slots.take(isEvents ? 'events' : 'ndjson', c.env.outgoing.allowance)
  const pace = new ReadPace(deps.admission, () => deps.admission.allowanceOf(c.env.incoming))
  const outlet = new Outlet(c.env, config.limits, pace)
  const stream = new TopicStream(
    cluster,
    openSharedReader(cluster, options.isolation, config.limits),
    log,
    options,
  )
  const gone = () => stream.stop()
  outlet.signal.addEventListener('abort', gone)
  if (outlet.signal.aborted) gone()
  try {
    await stream.start()
    if (c.req.method === 'HEAD') {
      outlet.release()
      return c.body(null, 200, headers)
    }
    outlet.open(headers)
    deps.observer.streams(c.env.incoming, c.env.outgoing)
    const lines = isEvents
      ? new EventLines(topic, query.format, requestIdOf(c))
      : new NdjsonLines(topic, query.format, requestIdOf(c))
    const caller = deps.guard.callerOf(c.env.incoming)
    const watch = (failed: (problem: Problem) => void) =>
      caller.watch(() => caller.requireTopics('consume', [topic]), failed)
    await new RecordFeed(stream, lines, outlet, deps, watch, c.env.outgoing.span).run()
  } catch (error) {
    if (!c.env.outgoing.headersSent) {
      outlet.release()
      throw error
    }
    log.error({ requestId: requestIdOf(c), cause: error }, 'a stream of records broke')
    outlet.cut()
  } finally {
    stream.stop()
    release()
  }
  return RESPONSE_ALREADY_SENT
}

/** Where a client of server-sent events goes on by itself: what its URL says was for the first time. */
function lastEventId({ env }: AppContext, isEvents: boolean): string | undefined {
  const id = isEvents ? env.incoming.headers['last-event-id'] : undefined
  return typeof id === 'string' && id !== '' ? id : undefined
}

/** @throws Problem invalid_parameter for parameters that contradict each other */
function toOptions(query: StreamQuery, isEvents: boolean, resumed: string | undefined) {
  const { from, partition, isolation, limit, until, key, header = [], follow } = query
  if (until !== undefined && follow === 'true') throw contradicts('follow', 'until')
  const goesOn = follow === undefined ? isEvents : follow === 'true'
  return {
    from: from ?? ({ kind: isEvents ? 'latest' : 'earliest' } as const),
    cursor: resumed ?? query.cursor,
    partition,
    isolation,
    limit,
    until: until ?? (goesOn ? undefined : ({ kind: 'latest' } as const)),
    filter: recordFilter(key, header),
  }
}

/** @throws Problem invalid_parameter where both say where to start */
export function refuseTwoStarts({ from, cursor }: Pick<StreamQuery, 'from' | 'cursor'>): void {
  if (from !== undefined && cursor !== undefined) throw contradicts('from', 'cursor')
}

function contradicts(parameter: string, other: string): Problem {
  const reason = `not together with ${other}`
  return new Problem('invalid_parameter', {
    errors: [{ parameter, reason }],
    detail: `${parameter}: ${reason}.`,
  })
}
