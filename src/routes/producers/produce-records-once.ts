import { z } from '@hono/zod-openapi'
import type { Caller } from '../../auth/caller.ts'
import type { Deps } from '../../deps.ts'
import { MAX_SEQUENCE } from '../../kafka/producers/sequence-rules.ts'
import { Problem } from '../../problems/problem.ts'
import { parseMediaType, readBody } from '../body.ts'
import { RECORD_OVERHEAD_BYTES, unsupported } from '../records/produce-form.ts'
import { readerOf, withOutcome } from '../records/produce-records.ts'
import { OutgoingRecordBody, ProduceBatchBody } from '../records/produce-schemas.ts'
import type { BodyReader } from '../records/produce-form.ts'
import { EVENT, EVENT_BATCH } from '../records/produce-events.ts'
import { isStream } from '../records/produce-stream.ts'
import { ValueQuery } from '../records/raw-record.ts'
import { writeChoice } from '../records/write-choice.ts'
import { CloudEvent } from '../records/read-schemas.ts'
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
import { checkPartitions } from './check-partitions.ts'
import { ProducedOnce, Sequence } from './producer-schemas.ts'

export function registerProduceRecordsOnce(app: App, deps: Deps): void {
  const serve = (c: AppContext) => produceRecordsOnce(c, deps, app.guard.callerOf(c.env.incoming))
  addRoute(app, route, serve, inDoubt)
}

async function produceRecordsOnce(
  c: AppContext,
  { config, producers, budget }: Deps,
  caller: Caller,
): Promise<Response> {
  const topic = topicParam(c)
  const sequence = sequenceParam(c)
  const media = parseMediaType(c.req.header('content-type'))
  if (isStream(c, media)) throw unsupported('A stream of records is not served by this route.')
  const read = readerOf(c, media, config)
  refuseChoice(c)
  const token = await producers.verify(topic, c.req.param('producer') ?? '', caller.owner)
  let reserved = 0
  const reserve = (bytes: number) => {
    if (!budget.tryReserve(topic, bytes, reserved)) throw overloaded()
    reserved += bytes
  }
  try {
    const bytes = await readBody(c.env, config.limits.maxBodyBytes, reserve)
    const { records } = readRecords(read, bytes, token.partition)
    c.env.outgoing.records = records.length
    c.env.outgoing.receivedBytes = bytes.length
    // They are written once more, as one batch.
    reserve(bytes.length + records.length * RECORD_OVERHEAD_BYTES)
    const written = await producers.write(topic, token, sequence, records)
    const { partition, offset, timestamp, nextSequence, duplicate } = written
    if (duplicate) c.env.outgoing.outcome = 'written_before'
    const answer: z.input<typeof ProducedOnce> = {
      partition,
      offset,
      ...(timestamp === undefined ? {} : { timestamp }),
      nextSequence,
      duplicate,
    }
    return c.json(answer, duplicate ? 200 : 201)
  } finally {
    budget.release(topic, reserved)
  }
}

/** A write that is confirmed once and for all has all in-sync replicas. @throws Problem invalid_parameter */
function refuseChoice(c: AppContext): void {
  const choice = writeChoice(c)
  const given = [choice.acks && 'acks', choice.timeoutMs && 'timeout'].filter((name) => name !== undefined)
  if (given.length === 0) return
  const errors = given.map((name) => ({
    parameter: String(name),
    reason: 'not for an exactly-once producer',
  }))
  const detail = `${errors[0]!.parameter}: ${errors[0]!.reason}.`
  throw new Problem('invalid_parameter', { detail, errors, outcome: 'not_written' })
}

/** A request that is not served now may be one that was served before, sent again. */
function inDoubt(error: unknown): unknown {
  if (!(error instanceof Problem) || !error.row.retryable) return error
  return new Problem(error.code, { ...error.options, outcome: 'unknown' })
}

/** What can't be read was never written, by any request. @throws Problem with outcome not_written */
function readRecords(read: BodyReader, bytes: Buffer, partition: number): ReturnType<BodyReader> {
  try {
    const body = read(bytes)
    checkPartitions(body.records, partition, body.batch)
    return body
  } catch (error) {
    throw withOutcome(error)
  }
}

/** This request did nothing; what an earlier one with the same records did is not known here. */
function overloaded(): Problem {
  return new Problem('overloaded', { outcome: 'unknown', retryAfter: 1, headers: { connection: 'close' } })
}

/** @throws Problem invalid_sequence */
function sequenceParam(c: AppContext): number {
  const text = c.req.param('sequence') ?? ''
  if (/^\d{1,10}$/.test(text) && Number(text) <= MAX_SEQUENCE) return Number(text)
  throw new Problem('invalid_sequence', { outcome: 'not_written' })
}

const route = {
  operationId: 'produceRecordsOnce',
  access: { topic: 'produce' } as const,
  method: 'put' as const,
  path: '/v1/topics/{topic}/producers/{producer}/records/{sequence}',
  tags: ['Records'],
  summary: 'Produce records exactly once',
  description: [
    'Writes one record, or a batch, all or none, and may be sent again as often as you like, to any replica, after any',
    'failure: the records are in the topic once, and each answer names the same offset. `sequence` is that of the first',
    'record; the next PUT goes on at `nextSequence`. Bodies are as in produceRecords.',
    '',
    'That holds for the same records, sent again while the PUT is one of the last five of its producer, and before Kafka',
    'forgets the producer (a day after its last write, by default). Past that the answer is a 409, never a second copy.',
  ].join('\n'),
  request: {
    params: z.object({
      topic: TopicName,
      producer: z.string().describe('The `producer` that openProducer gave.'),
      sequence: Sequence,
    }),
    query: ValueQuery.omit({ acks: true, timeout: true }),
    body: {
      required: true,
      content: {
        'application/json': { schema: z.union([OutgoingRecordBody, ProduceBatchBody]) },
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
      description: 'The same records were written under this sequence number before.',
      content: { 'application/json': { schema: ProducedOnce } },
    },
    201: {
      description: 'The records are written.',
      content: { 'application/json': { schema: ProducedOnce } },
    },
    ...problemResponses(
      ...kafkaProblems,
      ...jsonBodyProblems,
      'invalid_producer',
      'internal_topic',
      'topic_not_found',
      'sequence_gap',
      'sequence_conflict',
      'sequence_expired',
      'producer_expired',
      'record_too_large',
      'invalid_topic_name',
      'invalid_sequence',
      'invalid_parameter',
      'invalid_partition',
      'invalid_encoding',
      'invalid_headers',
      'invalid_event',
      'empty_batch',
      'too_many_records',
      'record_rejected',
      'policy_violation',
      'not_enough_replicas',
      'overloaded',
      'shutting_down',
      'write_unconfirmed',
    ),
  },
}
