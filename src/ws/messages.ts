import { z } from 'zod'
import { type ProblemCode, problems } from '../problems/problems.ts'
import { ProducedOnce, Sequence } from '../routes/producers/producer-schemas.ts'
import { OutgoingRecordBody, RecordError, RecordPosition } from '../routes/records/produce-schemas.ts'
import { TopicName } from '../routes/route.ts'
import { parseStartPosition, START_POSITION_FORMS } from '../records/start-position.ts'
import { Headers, Key, Limit, OnlyPartition, Until } from './narrowing.ts'
import {
  Ack,
  Cursor,
  Format,
  From,
  Grace,
  GroupId,
  Isolation,
  Resume,
  StartPositions,
  TopicList,
  WindowBytes,
  WindowRecords,
} from './subscription-options.ts'
import { MAX_CREDIT } from './window.ts'

/** Most partitions that one message names. */
const MAX_NAMED = 10_000

const topic = z.string()
const partition = z.int().min(0)
const offset = z.int().min(0)

const Position = z.object({ topic, partition, offset })
const Partition = z.object({ topic, partition })
const Bounds = z.object({ earliest: offset, latest: offset })

/** What a client may send. One JSON object a text frame; an unknown member is an error, as in HTTP. */
export const SubscribeMessage = z
  .strictObject({
    type: z.literal('subscribe'),
    topics: TopicList.optional(),
    group: GroupId.optional(),
    from: From.optional(),
    cursor: Cursor.optional(),
    positions: StartPositions.optional(),
    ack: Ack.optional(),
    format: Format.optional(),
    isolation: Isolation.optional(),
    window: WindowRecords.optional(),
    windowBytes: WindowBytes.optional(),
    partition: OnlyPartition.optional(),
    until: Until.optional(),
    limit: Limit.optional(),
    key: Key.optional(),
    header: Headers.optional(),
    grace: Grace.optional(),
    resume: Resume.optional(),
  })
  .meta({
    id: 'subscribe',
    description: 'Starts the one subscription of this socket. The URL can do the same.',
  })

export const AuthenticateMessage = z
  .strictObject({
    type: z.literal('authenticate'),
    token: z.string().min(1).max(8_192).describe('An API key or a JSON Web Token.'),
  })
  .meta({
    id: 'authenticate',
    description:
      'Says who this is, within 5 seconds, where the URL has `auth=message`; and at any time replaces credentials of the same principal, before they expire.',
  })

export const AckMessage = z
  .strictObject({
    type: z.literal('ack'),
    offsets: z.array(z.strictObject({ topic, partition, offset })).min(1).max(MAX_NAMED),
  })
  .meta({
    id: 'ack',
    description:
      'Everything up to and with `offset` is processed. It is committed, then `committed` comes back.',
  })

const named = z
  .array(z.strictObject({ topic, partition }))
  .min(1)
  .max(MAX_NAMED)
  .optional()
  .describe('All that are and will be assigned, where it is left out.')

export const PauseMessage = z.strictObject({ type: z.literal('pause'), partitions: named }).meta({
  id: 'pause',
  description:
    'Sends nothing more of these partitions until `resume`. They stay assigned: acks and commits go on.',
})

export const ResumeMessage = z.strictObject({ type: z.literal('resume'), partitions: named }).meta({
  id: 'resume',
  description: 'Goes on with the next record of these partitions.',
})

const SEEK_TO = 'expected exactly one of offset, timestamp and from'

export const SeekMessage = z
  .strictObject({
    type: z.literal('seek'),
    topic,
    partition: partition.optional().describe('Every assigned partition of the topic, where it is left out.'),
    offset: offset.optional(),
    timestamp: z
      .int()
      .min(0)
      .optional()
      .describe('The first record of this time or later, milliseconds since the epoch.'),
    from: z
      .string()
      .max(64)
      .refine((text) => parseStartPosition(text) !== undefined, START_POSITION_FORMS)
      .optional()
      .describe('In any form that a subscription takes.'),
  })
  .refine(
    ({ offset: at, timestamp, from }) => [at, timestamp, from].filter((to) => to !== undefined).length === 1,
    SEEK_TO,
  )
  .meta({
    id: 'seek',
    description:
      'Reads on from elsewhere, which is said by exactly one of `offset`, `timestamp` and `from`. Answered by `assigned`; nothing is committed by it.',
  })

const credit = z.int().min(0).max(MAX_CREDIT)

export const CreditMessage = z
  .strictObject({
    type: z.literal('credit'),
    records: credit.describe('How many more records may be sent.'),
    bytes: credit
      .optional()
      .describe('How many more bytes of records as JSON; without a bound until given once.'),
  })
  .meta({
    id: 'credit',
    description: 'Adds to what may be sent, where the subscription has `window=0`.',
  })

const produceId = z
  .union([z.string().max(64), z.int()])
  .describe('Comes back with the answer, as it was sent.')

export const ProduceMessage = z
  .strictObject({
    type: z.literal('produce'),
    id: produceId,
    topic: TopicName,
    records: z.array(OutgoingRecordBody).min(1),
    acks: z
      .enum(['all', '1'])
      .optional()
      .describe('Who must have the records: all in-sync replicas, or the leader.'),
    producer: z
      .string()
      .max(256)
      .optional()
      .describe('Of POST /v1/topics/{topic}/producers: the records are written exactly once.'),
    sequence: Sequence.optional().describe('With `producer`: the sequence number of the first record.'),
  })
  .meta({
    id: 'produce',
    description:
      'Writes records, in the form that the HTTP route takes. Any number may be under way; each is answered by `produced` (with a `producer`, `producedOnce`), or an `error` with the same `id`.',
  })

export const ClientMessage = z.discriminatedUnion('type', [
  SubscribeMessage,
  AuthenticateMessage,
  AckMessage,
  PauseMessage,
  ResumeMessage,
  SeekMessage,
  CreditMessage,
  ProduceMessage,
])
export type ClientMessage = z.output<typeof ClientMessage>

const Header = z.strictObject({
  name: z.string(),
  nameEncoding: z.literal('base64').optional(),
  value: z.string().nullable(),
  encoding: z.literal('base64').optional(),
})

/** A record as every transport shows it. */
export const DeliveredRecord = z.looseObject({
  topic,
  partition,
  offset,
  timestamp: z.int(),
  timestampType: z.string(),
  key: z.unknown(),
  value: z.unknown(),
  keyEncoding: z.literal('base64').optional(),
  valueEncoding: z.literal('base64').optional(),
  headers: z.union([z.record(z.string(), z.string()), z.array(Header)]),
})

/** What the gateway sends. Clients ignore members they don't know: new ones may be added. */
export const ServerMessage = z.discriminatedUnion('type', [
  z.object({ type: z.literal('assigned'), partitions: z.array(Position) }).meta({
    id: 'assigned',
    description:
      'Now reading these, from there; sent before any of their records. Answers `seek`, too. Empty where other members have them all.',
  }),
  z.object({ type: z.literal('resumable'), token: z.string(), graceMs: z.int(), kept: z.boolean() }).meta({
    id: 'resumable',
    description:
      'Of a subscription with `grace`, before its first `assigned`: should this socket drop, one that subscribes with `resume` and this token within so many ms takes its place. `kept` says whether this one has found its place as it was left.',
  }),
  z
    .object({ type: z.literal('records'), records: z.array(DeliveredRecord), cursor: z.string().optional() })
    .meta({
      id: 'records',
      description:
        'A batch, in offset order within each partition. `cursor` (without a group) resumes after it.',
    }),
  z.object({ type: z.literal('committed'), offsets: z.array(Position) }).meta({
    id: 'committed',
    description: 'Receipt: the group will resume at `offset`, the next to be read.',
  }),
  z
    .object({
      type: z.literal('revoked'),
      partitions: z.array(Partition),
      reason: z.enum(['rebalance', 'lost']),
    })
    .meta({
      id: 'revoked',
      description:
        'No longer read here. By a rebalance: what was acked is committed. Lost: the session had expired, or the topic is gone; of what was acked last some may not be.',
    }),
  z.object({ type: z.literal('paused'), partitions: z.array(Partition) }).meta({
    id: 'paused',
    description: 'Answers `pause`: nothing more of these comes.',
  }),
  z.object({ type: z.literal('resumed'), partitions: z.array(Partition) }).meta({
    id: 'resumed',
    description: 'Answers `resume`: from here on these come again.',
  }),
  z
    .object({
      type: z.literal('produced'),
      id: produceId,
      results: z.array(z.union([RecordPosition, RecordError])),
    })
    .meta({
      id: 'produced',
      description:
        'What became of the records of one `produce`, in the order sent: a position or an `error` each.',
    }),
  z.object({ type: z.literal('producedOnce'), id: produceId, ...ProducedOnce.shape }).meta({
    id: 'producedOnce',
    description: 'The records of a `produce` with a `producer` are in the topic, once.',
  }),
  z.object({ type: z.literal('produceHeld'), inFlight: z.int(), bytes: z.int() }).meta({
    id: 'produceHeld',
    description:
      'As much as may be of what this socket produces is under way, in messages or in bytes: nothing further is read from it until `produceReady`.',
  }),
  z.object({ type: z.literal('produceReady') }).meta({
    id: 'produceReady',
    description: 'Half of it is done: reading goes on.',
  }),
  z.object({ type: z.literal('caughtUp') }).meta({
    id: 'caughtUp',
    description: 'Every assigned partition has been read to its end, once per assignment.',
  }),
  z.object({ type: z.literal('end'), reason: z.enum(['until', 'limit']), cursor: z.string() }).meta({
    id: 'end',
    description:
      'What was asked for has been sent, up to `until` or as many as `limit`. The socket is closed with 1000; `cursor` goes on from here.',
  }),
  z
    .object({
      type: z.literal('error'),
      code: z.enum(Object.keys(problems) as [ProblemCode, ...ProblemCode[]]),
      title: z.string(),
      detail: z.string(),
      retryable: z.boolean(),
      ref: z.string().optional(),
      id: produceId.optional(),
      outcome: z.enum(['not_written', 'unknown']).optional(),
      nextSequence: z.int().optional(),
      errors: z
        .array(
          z.object({ pointer: z.string().optional(), parameter: z.string().optional(), reason: z.string() }),
        )
        .optional(),
      topic: topic.optional(),
      partition: partition.optional(),
      bounds: z.union([Bounds, z.record(z.string(), Bounds)]).optional(),
      instance: z.string(),
    })
    .meta({
      id: 'error',
      description:
        'Something was refused or went wrong. `ref` names the message type at fault, `id` and `outcome` the `produce` that was refused, `errors` its members; `topic`, `partition` and `bounds` a position that is lost (of a cursor, the `bounds` by partition); `instance` is the id of this connection in the log. The socket lives, unless a close frame follows.',
    }),
  z
    .object({
      type: z.literal('authenticated'),
      principal: z.string(),
      expiresAt: z.number().nullable().describe('Milliseconds since the epoch; null where it lasts.'),
    })
    .meta({ id: 'authenticated', description: 'Answers `authenticate`: who this is from now on.' }),
  z.object({ type: z.literal('expiring'), expiresAt: z.number() }).meta({
    id: 'expiring',
    description:
      'The credentials of this socket expire in a minute: send newer ones with `authenticate`, or it is closed with 4401 then.',
  }),
  z.object({ type: z.literal('draining'), deadlineMs: z.int() }).meta({
    id: 'draining',
    description:
      'The gateway shuts down within so many ms: connect again, elsewhere or later. What was sent before this was there is still answered.',
  }),
])
export type ServerMessage = z.input<typeof ServerMessage>
