import { z } from '@hono/zod-openapi'
import type { Config } from '../../config/config.ts'
import type { Deps } from '../../deps.ts'
import type { RecordResult } from '../../kafka/writer/write-request.ts'
import { Problem } from '../../problems/problem.ts'
import { type MediaType, parseMediaType, readBody } from '../body.ts'
import { checkAccept } from '../accept.ts'
import {
  addRoute,
  type App,
  type AppContext,
  jsonBodyProblems,
  kafkaProblems,
  problemResponses,
  TopicName,
  topicParam,
} from '../route.ts'
import { jsonRecords } from './json-records.ts'
import { answerBatch, answerOne } from './produce-answer.ts'
import { cloudEvents, EVENT, EVENT_BATCH } from './produce-events.ts'
import { type BodyReader, overloaded, type ProduceForm, RECORD_OVERHEAD_BYTES } from './produce-form.ts'
import {
  AcceptedRecords,
  OutgoingRecordBody,
  ProduceBatchBody,
  ProduceResults,
  RecordPosition,
  StreamLine,
} from './produce-schemas.ts'
import { isStream, produceStream, StreamQuery } from './produce-stream.ts'
import { askedValue, rawRecord, ValueQuery } from './raw-record.ts'
import { CloudEvent } from './read-schemas.ts'
import { writeAsChosen, writeChoice, WriteQuery } from './write-choice.ts'

/** The forms a whole body can have. The first that a request is of counts; the last takes any. */
const forms: readonly ProduceForm[] = [askedValue, cloudEvents, jsonRecords, rawRecord]

export function registerProduceRecords(app: App, deps: Deps): void {
  addRoute(
    app,
    route,
    async (c) => {
      try {
        return await produceRecords(c, deps)
      } catch (error) {
        throw withOutcome(error)
      }
    },
    withOutcome,
  )
}

async function produceRecords(c: AppContext, deps: Deps): Promise<Response> {
  const { config, budget, stopping } = deps
  const topic = topicParam(c)
  const media = parseMediaType(c.req.header('content-type'))
  const { accept } = c.env.incoming.headers
  if (isStream(c, media)) {
    if (stopping.aborted) throw new Problem('shutting_down', { headers: { connection: 'close' } })
    checkAccept(accept, ['application/x-ndjson'])
    return produceStream(c, topic, media, deps)
  }
  checkAccept(accept, ['application/json'])
  const read = readerOf(c, media, config)
  const choice = writeChoice(c)
  let handedOver = false
  let reserved = 0
  const release = () => budget.release(topic, reserved)
  const reserve = (bytes: number) => {
    if (!budget.tryReserve(topic, bytes, reserved)) throw overloaded()
    reserved += bytes
  }
  try {
    const body = await readBody(c.env, config.limits.maxBodyBytes, reserve)
    const { batch, records } = read(body)
    reserve(records.length * RECORD_OVERHEAD_BYTES)
    const { outgoing } = c.env
    outgoing.records = records.length
    outgoing.receivedBytes = body.length
    handedOver = true
    const options = { onQueued: whenGone(c), done: release, span: outgoing.span }
    const results = await writeAsChosen(deps, topic, records, choice, options)
    outgoing.outcome = outcomeOf(results)
    if (results === undefined) return c.json({ accepted: records.length }, 202)
    return batch ? answerBatch(c, results) : answerOne(c, results[0]!)
  } finally {
    if (!handedOver) release()
  }
}

/** What became of all the records, in a word. */
function outcomeOf(results: readonly RecordResult[] | undefined): string {
  const [first] = results ?? []
  if (results === undefined || first === undefined) return 'accepted'
  return results.every(({ outcome }) => outcome === first.outcome) ? first.outcome : 'mixed'
}

/** A client that is gone, and will send again somewhere, is best served by not writing what it sent here. */
function whenGone({ env: { outgoing } }: AppContext): (cancel: () => void) => void {
  return (cancel) => {
    if (outgoing.destroyed) cancel()
    else outgoing.once('close', cancel)
  }
}

export function readerOf(c: AppContext, media: MediaType | undefined, { limits }: Config): BodyReader {
  for (const form of forms) {
    const read = form(c, media, limits)
    if (read !== undefined) return read
  }
  throw new Error('the last form takes any request')
}

/** Whatever stops a request before its records are handed over has kept them out of the topic, and says so. */
export function withOutcome(error: unknown): unknown {
  if (!(error instanceof Problem) || error.options.outcome !== undefined) return error
  return new Problem(error.code, { ...error.options, outcome: 'not_written' })
}

const route = {
  operationId: 'produceRecords',
  access: { topic: 'produce' } as const,
  method: 'post' as const,
  path: '/v1/topics/{topic}/records',
  tags: ['Records'],
  summary: 'Produce records',
  description: [
    'Writes one record, a batch, a stream of records, or a body of any other type as the bytes of one record, and answers',
    'when Kafka has confirmed it with all in-sync replicas. Every record gets its outcome: its position, `not_written` (it is provably',
    'not in the topic) or `unknown`. Keys are placed as the Java client places them. A key or value that is text in JSON',
    'is that text; null is null; anything else is its JSON text, byte for byte.',
    '',
    'CloudEvents 1.0 are taken in the three modes of their HTTP binding: structured, as a batch, and with `ce-*` headers',
    'beside a body of any type. Each becomes a record of their Kafka binding in binary mode.',
  ].join('\n'),
  request: {
    params: z.object({ topic: TopicName }),
    query: ValueQuery.extend(StreamQuery.shape).extend(WriteQuery.shape),
    body: {
      required: true,
      content: {
        'application/json': { schema: z.union([OutgoingRecordBody, ProduceBatchBody]) },
        'application/x-ndjson': {
          schema: OutgoingRecordBody.openapi({ description: 'One record a line; a body of any length.' }),
        },
        [EVENT]: { schema: CloudEvent },
        [EVENT_BATCH]: { schema: z.array(CloudEvent).min(1) },
        '*/*': {
          schema: z.string().openapi({ format: 'binary', description: "The bytes of one record's value." }),
        },
      },
    },
  },
  responses: {
    200: {
      description:
        'Every record is written; of a stream, that it is read: each line says what became of a record.',
      content: {
        'application/json': { schema: z.union([RecordPosition, ProduceResults]) },
        'application/x-ndjson': { schema: StreamLine },
      },
    },
    202: {
      description: 'With `acks=0`: the records will be sent to Kafka, and what becomes of them is not told.',
      content: { 'application/json': { schema: AcceptedRecords } },
    },
    207: {
      description: 'Of a batch, some records are written and some are not: each result says which.',
      content: { 'application/json': { schema: ProduceResults } },
    },
    ...problemResponses(
      ...kafkaProblems,
      ...jsonBodyProblems,
      'bad_request',
      'internal_topic',
      'topic_not_found',
      'partition_not_found',
      'request_timeout',
      'record_too_large',
      'invalid_topic_name',
      'invalid_parameter',
      'invalid_partition',
      'invalid_encoding',
      'invalid_headers',
      'invalid_event',
      'empty_batch',
      'too_many_records',
      'record_rejected',
      'policy_violation',
      'internal_error',
      'not_enough_replicas',
      'overloaded',
      'shutting_down',
      'outcome_unknown',
    ),
  },
}
