import { z } from 'zod'
import type { Deps } from '../../deps.ts'
import { type FetchedRecord, valueOf } from '../../records/fetched-record.ts'
import type { Cluster, TopicInfo } from '../../kafka/cluster.ts'
import { readTopic } from '../../kafka/reader/read-topic.ts'
import type { Isolation as IsolationLevel } from '../../kafka/record-reader.ts'
import { Problem } from '../../problems/problem.ts'
import { ByteWriter } from '../../records/byte-writer.ts'
import { writeEvent } from '../../records/render-cloudevent.ts'
import { recordPrefix, renderRecord } from '../../records/render-record.ts'
import { checkPartition } from '../../streams/find-start.ts'
import { negotiate } from '../accept.ts'
import {
  addRoute,
  type App,
  type AppContext,
  kafkaProblems,
  parseQuery,
  partitionParam,
  problemResponses,
  TopicName,
  topicParam,
} from '../route.ts'
import { goneSignal } from './gone-signal.ts'
import { EVENT } from './produce-events.ts'
import { CloudEvent, Format, Isolation, ReadRecord } from './read-schemas.ts'
import { recordHeaders } from './record-headers.ts'

const BYTES = 'application/octet-stream'
const types = ['application/json', BYTES, EVENT] as const
const Query = z.strictObject({
  isolation: Isolation.default('read_uncommitted').describe(
    '`read_committed` finds no record of an aborted or open transaction.',
  ),
  format: Format.default('auto').describe('How the key and the value are shown in JSON, as in readRecords.'),
})

type ReadDeps = Pick<Deps, 'cluster' | 'tracing' | 'admission'>

export function registerReadRecord(app: App, { cluster, tracing, admission }: ReadDeps): void {
  addRoute(app, route, async (c) => {
    const name = topicParam(c)
    const partition = partitionParam(c)
    const offset = offsetParam(c)
    const { isolation, format } = parseQuery(Query, c)
    c.env.outgoing.allowance?.checkRead()
    const topic = await findTopic(cluster, name, partition)
    const record = await findRecord(cluster, topic, partition, offset, isolation, goneSignal(c))
    cluster.meter.traffic.delivered(name, [record])
    tracing?.delivered({ topic: name, partition, records: [record] }, { span: c.env.outgoing.span })
    const type = negotiate(c.req.header('accept'), types) ?? types[0]
    if (type === BYTES) {
      admission.countRead(c.env.outgoing, valueOf(record)?.length ?? 0)
      return answerBytes(c, record)
    }
    const out = new ByteWriter(8_192)
    const prefix = recordPrefix(name, partition)
    if (type === EVENT) writeEvent(out, prefix.source, record)
    else renderRecord(out, prefix, record, format)
    const body = out.take()
    admission.countRead(c.env.outgoing, body.length)
    return c.body(toBody(body), 200, { 'content-type': type })
  })
}

/** The bare value; 204 for a tombstone, which has none, where an empty value is 200 with no bytes. */
function answerBytes(c: AppContext, record: FetchedRecord): Response {
  const headers = recordHeaders(record)
  const value = valueOf(record)
  if (value === null) return c.body(null, 204, headers)
  // The bytes are somebody's: a browser must not take them for a page of this host.
  return c.body(toBody(value), 200, {
    ...headers,
    'content-type': BYTES,
    'x-content-type-options': 'nosniff',
  })
}

/** A Buffer is a Uint8Array of an ArrayBuffer as far as this process makes any; its type doesn't say so. */
function toBody(bytes: Buffer): Uint8Array<ArrayBuffer> {
  return bytes as Uint8Array<ArrayBuffer>
}

/** @throws Problem invalid_offset */
function offsetParam(c: AppContext): number {
  const text = c.req.param('offset') ?? ''
  const offset = Number(text)
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(offset)) throw new Problem('invalid_offset')
  return offset
}

/** @throws Problem topic_not_found, partition_not_found, and as Cluster.topic */
async function findTopic(cluster: Cluster, name: string, partition: number): Promise<TopicInfo> {
  let topic = await cluster.topic(name)
  if (topic !== undefined && topic.partitions[partition] === undefined)
    topic = await cluster.refreshTopic(name)
  if (topic === undefined) throw new Problem('topic_not_found', { detail: `There is no topic ${name}.` })
  checkPartition(topic, partition)
  return topic
}

/** @throws Problem record_not_found with `bounds` where it lies outside of them, and as readTopic */
async function findRecord(
  cluster: Cluster,
  topic: TopicInfo,
  partition: number,
  offset: number,
  isolation: IsolationLevel,
  signal: AbortSignal,
): Promise<FetchedRecord> {
  let found: FetchedRecord | undefined
  const take = (_partition: number, record: FetchedRecord) => {
    found = record
    return true
  }
  const offsets = new Map([[partition, offset]])
  const request = { offsets, isolation, limit: 1, waitMs: 0, take, ended: () => false, signal }
  const nothing = `Partition ${partition} of ${topic.name} has no record at offset ${offset}.`
  try {
    await readTopic(cluster, { topic, ...request })
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    if (error.code === 'position_lost') {
      throw new Problem('record_not_found', { detail: nothing, extra: error.options.extra ?? {} })
    }
    // The topic may have been made again since its metadata was cached.
    const fresh = error.code === 'topic_not_found' ? cluster.cachedTopic(topic.name) : undefined
    if (fresh === undefined || fresh.id === topic.id) throw error
    return findRecord(cluster, fresh, partition, offset, isolation, signal)
  }
  if (found?.offset !== offset) throw new Problem('record_not_found', { detail: nothing })
  return found
}

const route = {
  operationId: 'readRecord',
  access: { topic: 'consume' } as const,
  method: 'get' as const,
  path: '/v1/topics/{topic}/partitions/{partition}/records/{offset}',
  tags: ['Records'],
  summary: 'Read one record',
  description: [
    'As JSON; or with `Accept: application/octet-stream` its bare value, with `Kafka-Key` and a `Kafka-Header-NAME` for',
    'each record header that is plain text. A tombstone is then 204, an empty value 200 without a byte. With',
    '`Accept: application/cloudevents+json` it is a CloudEvent, made of the record where it is none.',
  ].join('\n'),
  request: {
    params: z.object({
      topic: TopicName,
      partition: z.int().min(0).max(0x7fffffff),
      offset: z.int().min(0).max(Number.MAX_SAFE_INTEGER),
    }),
    query: Query,
  },
  responses: {
    200: {
      description: 'The record.',
      content: {
        'application/json': { schema: ReadRecord },
        [EVENT]: { schema: CloudEvent },
        [BYTES]: { schema: z.string().meta({ format: 'binary', description: 'The value.' }) },
      },
    },
    204: { description: 'The record is a tombstone: it has no value.' },
    ...problemResponses(
      ...kafkaProblems,
      'internal_topic',
      'topic_not_found',
      'partition_not_found',
      'record_not_found',
      'invalid_topic_name',
      'invalid_partition',
      'invalid_offset',
      'invalid_parameter',
    ),
  },
}
