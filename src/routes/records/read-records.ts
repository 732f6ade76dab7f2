import { z } from 'zod'
import type { Deps } from '../../deps.ts'
import type { Cluster } from '../../kafka/cluster.ts'
import type { FetchedRecord } from '../../records/fetched-record.ts'
import { readTopic } from '../../kafka/reader/read-topic.ts'
import { Problem } from '../../problems/problem.ts'
import { ByteWriter } from '../../records/byte-writer.ts'
import { encodeCursors } from '../../records/cursor.ts'
import { recordFilter } from '../../records/record-filter.ts'
import { writeEvent } from '../../records/render-cloudevent.ts'
import {
  type RecordFormat,
  type RecordPrefix,
  recordPrefix,
  renderRecord,
} from '../../records/render-record.ts'
import type { TraceSpan } from '../../tracing/tracing.ts'
import { findStarts } from '../../streams/find-start.ts'
import { negotiate } from '../accept.ts'
import { allowOrigin } from '../cors.ts'
import {
  addRoute,
  type App,
  kafkaProblems,
  parseQuery,
  problemResponses,
  TopicName,
  topicParam,
} from '../route.ts'
import { goneSignal } from './gone-signal.ts'
import { EVENT_BATCH } from './produce-events.ts'
import { CloudEvent, EventStream, ReadAnswer, ReadLine, type ReadQuery, readQueries } from './read-schemas.ts'
import { EVENT_STREAM, NDJSON, refuseTwoStarts, streamRecords } from './stream-records.ts'

/** How often a start that Kafka moved meanwhile, by retention or by a topic made again, is looked up anew. */
const MAX_TRIES = 3
const COMMA = 0x2c
/** Where a batch of events, which has no room for more, says what `cursor` and `caughtUp` say in JSON. */
const CURSOR = 'kafka-cursor'
const CAUGHT_UP = 'kafka-caught-up'

const types = ['application/json', EVENT_BATCH, EVENT_STREAM, NDJSON] as const

export function registerReadRecords(app: App, deps: Deps): void {
  const queries = readQueries(deps.config.limits)
  addRoute(app, route(queries.whole), async (c) => {
    allowOrigin(c, deps.config)
    const topic = topicParam(c)
    const type = negotiate(c.req.header('accept'), types) ?? types[0]
    if (type === EVENT_STREAM || type === NDJSON) {
      const query = parseQuery(queries.stream, c, ['header'])
      refuseTwoStarts(query)
      return streamRecords(c, topic, type, query, deps)
    }
    const query = parseQuery(queries.answer, c, ['header'])
    refuseTwoStarts(query)
    c.env.outgoing.allowance?.checkRead()
    const isBatch = type === EVENT_BATCH
    // A long poll outlives a key that is taken away.
    const caller = deps.guard.callerOf(c.env.incoming)
    const mayRead = () => caller.requireTopics('consume', [topic])
    const { signal, unwatch } = caller.watchedSignal(mayRead, goneSignal(c))
    const { list, cursor, caughtUp } = await readRecords(deps, topic, query, isBatch, {
      signal,
      span: c.env.outgoing.span,
    }).finally(unwatch)
    const body = list.end(isBatch ? ']' : `],"cursor":"${cursor}","caughtUp":${caughtUp}}`)
    deps.admission.countRead(c.env.outgoing, body.length)
    if (!isBatch) return c.body(body, 200, { 'content-type': 'application/json' })
    const place = { [CURSOR]: cursor, [CAUGHT_UP]: String(caughtUp) }
    return c.body(body, 200, { ...place, 'content-type': EVENT_BATCH })
  })
}

interface Read {
  readonly list: RecordList
  readonly cursor: string
  readonly caughtUp: boolean
}

async function readRecords(
  deps: Deps,
  name: string,
  query: ReadQuery,
  isBatch: boolean,
  { signal, span }: { readonly signal: AbortSignal; readonly span: TraceSpan | undefined },
): Promise<Read> {
  const { cluster, stopping, tracing } = deps
  for (let left = MAX_TRIES - 1; ; left--) {
    try {
      const [start] = await findStarts(cluster, [name], { from: { kind: 'earliest' }, ...query })
      const { topic, offsets, whole } = start!
      const list = new RecordList(name, isBatch ? 'batch' : query.format, query.maxBytes)
      const { limit, wait, isolation, key, header = [] } = query
      const taken: FetchedRecord[] = []
      const partitions: number[] = []
      const take = (partition: number, record: FetchedRecord) => {
        const fits = list.take(partition, record)
        if (!fits) return false
        taken.push(record)
        partitions.push(partition)
        return true
      }
      const read = await readTopic(cluster, {
        topic,
        offsets,
        limit,
        isolation,
        waitMs: wait,
        filter: recordFilter(key, header),
        take,
        ended: () => stopping.aborted,
        signal,
      })
      cluster.meter.traffic.delivered(name, taken)
      if (tracing !== undefined) {
        for (const [partition, records] of Map.groupBy(taken, (_, n) => partitions[n]!))
          tracing.delivered({ topic: name, partition, records }, { span })
      }
      const cursor = encodeCursors([{ topic: name, topicId: topic.id, offsets: read.offsets, whole }])
      return { list, cursor, caughtUp: read.caughtUp }
    } catch (error) {
      if (left === 0 || !(error instanceof Problem) || !mayMove(error, cluster, name, query)) throw error
    }
  }
}

/** Whether looking up the start again can find another: what most of `from` names moves, and cached metadata may be old. */
function mayMove({ code }: Problem, cluster: Cluster, topic: string, { from, cursor }: ReadQuery): boolean {
  if (code === 'topic_not_found') return cluster.cachedTopic(topic) !== undefined
  return code === 'position_lost' && cursor === undefined && from?.kind !== 'offset'
}

/** The answer's JSON as it grows, up to its limit of bytes: of records, or of events alone, which is a `batch`. */
class RecordList {
  readonly #out = new ByteWriter(8_192)
  readonly #prefixes = new Map<number, RecordPrefix>()
  readonly #topic: string
  readonly #format: RecordFormat | 'batch'
  readonly #maxBytes: number
  readonly #start: number

  constructor(topic: string, format: RecordFormat | 'batch', maxBytes: number) {
    this.#topic = topic
    this.#format = format
    this.#maxBytes = maxBytes
    this.#out.ascii(format === 'batch' ? '[' : '{"records":[')
    this.#start = this.#out.length
  }

  /** Whether the record fits. The first always does. */
  take(partition: number, record: FetchedRecord): boolean {
    const out = this.#out
    const before = out.length
    const isFirst = before === this.#start
    if (!isFirst) out.byte(COMMA)
    if (this.#format === 'batch') writeEvent(out, this.#prefix(partition).source, record)
    else renderRecord(out, this.#prefix(partition), record, this.#format)
    if (isFirst || out.length - this.#start <= this.#maxBytes) return true
    out.truncate(before)
    return false
  }

  #prefix(partition: number): RecordPrefix {
    let prefix = this.#prefixes.get(partition)
    if (prefix === undefined) this.#prefixes.set(partition, (prefix = recordPrefix(this.#topic, partition)))
    return prefix
  }

  end(text: string): Uint8Array<ArrayBuffer> {
    this.#out.ascii(text)
    return this.#out.take() as Uint8Array<ArrayBuffer>
  }
}

const route = (query: ReturnType<typeof readQueries>['whole']) => ({
  operationId: 'readRecords',
  access: { topic: 'consume' } as const,
  method: 'get' as const,
  path: '/v1/topics/{topic}/records',
  tags: ['Records'],
  summary: 'Read records',
  description: [
    'Reads what there is from a position, without a group. Each answer has a `cursor` to go on from, which any replica',
    'takes: nothing is kept here, so nothing is skipped and nothing comes twice. With `wait` the answer comes as soon as',
    'there is a record, and at its end without one.',
    '',
    'A position that no longer exists is 409 `position_lost`, with `bounds`: the `earliest` and `latest` offset there is,',
    'by partition. An offset given as `from` is of every partition that is read.',
    '',
    'With `Accept: application/cloudevents-batch+json` the answer is the events alone, and the cursor a header.',
    '',
    'With `Accept: text/event-stream` the answer is a stream that goes on as records are written, from `latest` where',
    'nothing else is said; `Last-Event-ID` resumes it. With `Accept: application/x-ndjson` it is what there is, a record a',
    'line, to its end; with `follow=true` it goes on.',
  ].join('\n'),
  request: {
    params: z.object({ topic: TopicName }),
    query,
    headers: z.object({
      'last-event-id': z
        .string()
        .optional()
        .describe('Of server-sent events: the id of the last one. It goes before `cursor` and `from`.'),
    }),
  },
  responses: {
    200: {
      description: 'The records, perhaps none.',
      content: {
        'application/json': { schema: ReadAnswer },
        [EVENT_BATCH]: { schema: z.array(CloudEvent) },
        [EVENT_STREAM]: { schema: EventStream },
        [NDJSON]: { schema: ReadLine },
      },
      headers: z.object({
        [CURSOR]: z.string().optional().describe('Of a batch of events: where to go on.'),
        [CAUGHT_UP]: z
          .enum(['true', 'false'])
          .optional()
          .describe('Of a batch of events: whether there was nothing more.'),
      }),
    },
    ...problemResponses(
      ...kafkaProblems,
      'invalid_cursor',
      'internal_topic',
      'topic_not_found',
      'partition_not_found',
      'position_lost',
      'invalid_topic_name',
      'invalid_parameter',
      'too_many_streams',
      'shutting_down',
    ),
  },
})
