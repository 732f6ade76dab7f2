import { z } from '@hono/zod-openapi'
import type { Limits } from '../../config/config.ts'
import { MAX_FILTER_HEADERS, type HeaderMatch, parseHeaderMatch } from '../../records/record-filter.ts'
import { recordFormats } from '../../records/render-record.ts'
import { From, fromPattern, Until, untilPattern, whole } from '../parameters.ts'
import { ProblemCodes, TopicName } from '../route.ts'

const DEFAULT_LIMIT = 100
const DEFAULT_MAX_BYTES = 1_048_576

export const Isolation = z.enum(['read_uncommitted', 'read_committed'], {
  error: 'expected read_uncommitted or read_committed',
})

export const Format = z.enum(recordFormats, {
  error: 'expected auto, json, text, base64 or cloudevents',
})

const Header = z.string().transform((text, context): HeaderMatch => {
  const match = parseHeaderMatch(text)
  if (match !== undefined) return match
  context.addIssue({ code: 'custom', message: 'expected NAME:VALUE' })
  return z.NEVER
})

/** Which records to show. */
const filterParameters = {
  key: z.string().optional().describe('Only records whose key is exactly this text.'),
  header: z
    .array(Header)
    .max(MAX_FILTER_HEADERS)
    .optional()
    .openapi({
      type: 'array',
      items: { type: 'string', pattern: '^[^:]+:' },
      maxItems: MAX_FILTER_HEADERS,
      description: 'Only records with this header, `NAME:VALUE`. Given several times, with all of them.',
    }),
}

/** What a stream takes and one answer does not. */
const streamParameters = {
  until: Until.optional().openapi({
    pattern: untilPattern,
    description:
      'Of a stream: where it ends. `latest`, the end there was when it began; an offset, before it in each partition; a ' +
      'time, before the first record of that time or later, or once that time is past and everything there is was read.',
  }),
  follow: z
    .enum(['true', 'false'], { error: 'expected true or false' })
    .optional()
    .describe(
      'Of a stream: whether it goes on for ever. By default server-sent events do, and NDJSON ends with what there is.',
    ),
}

/** Where parameters that are not of this kind of answer are given. */
function elsewhere(reason: string) {
  return z.undefined({ error: reason }).optional()
}

/** The query of readRecords; the limits are the gateway's own. */
function readQuery({ maxReadRecords, maxReadBytes, maxWaitMs }: Limits) {
  const limit = Math.min(DEFAULT_LIMIT, maxReadRecords)
  const maxBytes = Math.min(DEFAULT_MAX_BYTES, maxReadBytes)
  return z.strictObject({
    from: From.optional().openapi({
      pattern: fromPattern,
      description:
        'Where to start: `earliest` (the default, but of server-sent events), `latest`, `-N` (the last N of each partition), an offset, an ISO 8601 ' +
        'time with its zone, or `@` and epoch milliseconds. A compacted or transactional topic may hold fewer records ' +
        'in its last N offsets.',
    }),
    cursor: z
      .string()
      .optional()
      .describe(
        'Where to go on: the `cursor` of an earlier answer, at any replica. Not together with `from`.',
      ),
    partition: whole(0, 0x7fffffff)
      .optional()
      .describe('Read this partition alone; all of them where left out.'),
    limit: whole(1, maxReadRecords)
      .default(limit)
      .openapi({ default: limit })
      .describe(
        'The most records to answer with, up to SLUICE_MAX_READ_RECORDS; a stream ends after as many as you like.',
      ),
    maxBytes: whole(1, maxReadBytes)
      .default(maxBytes)
      .openapi({ default: maxBytes })
      .describe(
        'The most bytes of `records` as JSON, up to SLUICE_MAX_READ_BYTES. A first record larger than that comes all ' +
          'the same.',
      ),
    wait: whole(0, maxWaitMs)
      .default(0)
      .openapi({ default: 0 })
      .describe('Milliseconds to wait for a first record where there is none, up to SLUICE_MAX_WAIT_MS.'),
    isolation: Isolation.default('read_uncommitted').describe(
      '`read_committed` leaves out the records of aborted and of open transactions.',
    ),
    format: Format.default('auto').describe(
      'How keys and values are shown. `auto`: JSON objects and arrays as they are, other UTF-8 as text, bytes as ' +
        'base64. `json`: any JSON value as it is (keys as in `auto`). `text`: UTF-8 as text. `base64`: as base64. What ' +
        'does not fit is base64, marked by `keyEncoding` or `valueEncoding`. `cloudevents`: the value is a CloudEvent in ' +
        'the JSON format; a record that is none is made one, of type `sluice.record`.',
    ),
    ...filterParameters,
    ...streamParameters,
  })
}

const OF_STREAMS = 'only of a stream: Accept text/event-stream or application/x-ndjson'
const OF_ANSWERS = 'only of one answer: Accept application/json'
const MAX_LIMIT = 999_999_999_999_999

type Queries = ReturnType<typeof makeQueries>

/** By limits: the schemas take more memory than all else of a client that Kafka is asked as. */
const made = new WeakMap<Limits, Queries>()

/** The query as a whole; the same where it is answered once, and where it is a stream. */
export function readQueries(limits: Limits): Queries {
  let queries = made.get(limits)
  if (queries === undefined) made.set(limits, (queries = makeQueries(limits)))
  return queries
}

function makeQueries(limits: Limits) {
  const query = readQuery(limits)
  const stream = elsewhere(OF_STREAMS)
  return {
    whole: query,
    answer: query.extend({ until: stream, follow: stream }),
    stream: query.extend({
      limit: whole(1, MAX_LIMIT).optional(),
      maxBytes: elsewhere(OF_ANSWERS),
      wait: elsewhere(OF_ANSWERS),
    }),
  }
}

export type ReadQuery = z.output<Queries['answer']>
export type StreamQuery = z.output<Queries['stream']>

/** An event as it is written by records/render-cloudevent.ts, and taken by records/parse-cloudevents.ts. */
export const CloudEvent = z
  .looseObject({
    specversion: z.literal('1.0'),
    id: z.string().min(1),
    source: z.string().min(1).describe('A URI reference.'),
    type: z.string().min(1),
    datacontenttype: z.string().nullish(),
    dataschema: z.string().nullish(),
    subject: z.string().nullish(),
    time: z.string().nullish().describe('RFC 3339.'),
    partitionkey: z.string().nullish().describe("The key of the event's record."),
    data: z.unknown().optional().describe('Any JSON where datacontenttype is JSON or left out, else text.'),
    data_base64: z.string().nullish().describe('Data that is bytes.'),
  })
  .openapi('CloudEvent', {
    description: 'CloudEvents 1.0 in the JSON format; further members are extension attributes.',
    required: ['specversion', 'id', 'source', 'type'],
    example: {
      specversion: '1.0',
      id: '4711',
      source: '/shop/17',
      type: 'com.example.order.placed',
      partitionkey: 'order-17',
      data: { total: 12.5 },
    },
  })

const base64 = z.literal('base64').optional()
const header = z.strictObject({
  name: z.string(),
  nameEncoding: base64.describe('The name is not UTF-8.'),
  value: z.string().nullable(),
  encoding: base64.describe('The value is not UTF-8.'),
})

const recordMembers = {
  topic: TopicName,
  partition: z.int().min(0),
  offset: z.int().min(0),
  timestamp: z.int().describe('Milliseconds since the epoch; -1 for none.'),
  timestampType: z
    .enum(['CreateTime', 'LogAppendTime'])
    .describe("Whose time it is, the producer's or the broker's, as `message.timestamp.type` spells it."),
  key: z.unknown().describe('Null where there is none.'),
  keyEncoding: base64.describe('The key is a base64 string.'),
  value: z.unknown().describe('Null for a tombstone.'),
  valueEncoding: base64.describe('The value is a base64 string.'),
  headers: z
    .union([z.record(z.string(), z.string()), z.array(header)])
    .describe('By name; or a list, where a name repeats, a value is null, or one of them is not UTF-8.'),
}
const required = ['topic', 'partition', 'offset', 'timestamp', 'timestampType', 'key', 'value', 'headers']
/** For the documents. */
export const exampleRecord = {
  topic: 'orders',
  partition: 2,
  offset: 4711,
  timestamp: 1795466320013,
  timestampType: 'CreateTime',
  key: 'order-17',
  value: { total: 12.5 },
  headers: { source: 'web' },
}
const exampleCursor = 'AZ8xR2wKZbU0i0tHqJ0T1yM7x3oQBgEAAw'

/** A record as it is read. It is written by records/render-record.ts, byte by byte; tests hold the two together. */
export const ReadRecord = z
  .strictObject(recordMembers)
  .openapi('Record', { required, example: exampleRecord })

/** A line of NDJSON; written by records/stream-lines.ts. */
export const ReadLine = z
  .union([
    z.strictObject({ ...recordMembers, cursor: z.string().describe('Goes on after this record.') }).openapi({
      required: [...required, 'cursor'],
      example: { ...exampleRecord, cursor: exampleCursor },
    }),
    z.strictObject({
      caughtUp: z.boolean().describe('Everything up to `until` was read; false where `limit` came first.'),
      cursor: z.string(),
    }),
    z.strictObject({
      error: z
        .looseObject({
          code: ProblemCodes,
          title: z.string(),
          detail: z.string(),
          retryable: z.boolean(),
          instance: z.string(),
        })
        .describe('What went wrong; with `bounds` where a position is lost.'),
      cursor: z.string(),
    }),
  ])
  .openapi('ReadLine', {
    description:
      'A record; or, as the last line, how the stream ended. A stream without such a line was cut: its last whole line has ' +
      'the cursor to go on from.',
  })

/** Server-sent events as text, of which OpenAPI has no other schema. */
export const EventStream = z.string().openapi({
  description:
    'Server-sent events (WHATWG HTML, section 9.2). Without a name: a record, as JSON in one line, its id the cursor after ' +
    'it. `caughtUp`: everything there was has been sent. `problem`: `{code, title, detail, retryable, bounds?}`, such as a ' +
    'position that is lost; reading goes on at the earliest there is. `draining`: `{deadlineMs}`, the gateway shuts down. ' +
    '`end`: `{reason}`, `until` or `limit`. Blocks with nothing but an id say where to go on after records that were left ' +
    'out.',
  example:
    `retry: 1000\n\nid: ${exampleCursor}\ndata: ${JSON.stringify(exampleRecord)}\n\n` +
    `event: caughtUp\nid: ${exampleCursor}\ndata: {}\n\n`,
})

export const ReadAnswer = z
  .strictObject({
    records: z
      .array(ReadRecord)
      .describe('Of one partition in order of their offsets; of several, the earliest first.'),
    cursor: z.string().describe('Where to go on: exactly after these records.'),
    caughtUp: z.boolean().describe('Whether there was nothing more when this was read.'),
  })
  .meta({ id: 'ReadAnswer' })
