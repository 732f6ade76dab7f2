import { isInternalGroup } from '../internal-groups.ts'
import { z } from 'zod'
import { Problem, type ProblemPart } from '../problems/problem.ts'
import { isPattern } from '../streams/topic-selection.ts'
import { recordFormats } from '../records/render-record.ts'
import { checkTopicName } from '../routes/route.ts'
import { reasonFor } from '../problems/schema-reasons.ts'
import { parseStartPosition, START_POSITION_FORMS, type StartPosition } from '../records/start-position.ts'
import {
  Headers,
  Key,
  Limit,
  type Narrowing,
  OnlyPartition,
  type RawNarrowing,
  readNarrowing,
  Until,
} from './narrowing.ts'
import { MAX_WINDOW, MAX_WINDOW_BYTES } from './window.ts'

/** Most topics of one subscription. */
export const MAX_TOPICS = 50

export const Grace = z.int().min(0).meta({
  description:
    'In a group: milliseconds that the group keeps the partitions of this socket when it drops; 0 for not at all. At most SLUICE_GROUP_MAX_GRACE_MS.',
})

export const Resume = z.string().meta({
  description:
    'The `token` of the last `resumable` frame: takes the place that the socket before had in its group. It implies `topics` and `group`.',
})

export const TopicList = z
  .array(z.string())
  .min(1)
  .max(MAX_TOPICS)
  .meta({
    description:
      'Topics to read: names, or a prefix and `*` for all that begin so, those to come with them; `*` alone for all.',
    example: ['orders'],
  })

export const GroupId = z.string().min(1).max(255).meta({
  description: 'Consumer group to join; without it all partitions are read, and nothing is committed.',
})

export const From = z.string().max(64).meta({
  description:
    'Where to start, in a group only where it has committed nothing: `earliest`, `latest`, `-N` (the last N of each partition), an offset, an ISO 8601 time, or `@` and epoch milliseconds.',
})

export const Ack = z.enum(['auto', 'client']).meta({
  description: '`auto` commits what a pong proves was received; `client` commits what the client acks.',
})

export const Cursor = z.string().max(16_384).meta({
  description:
    'Where to go on, without a group: the `cursor` of the last frame that was processed. Not together with `from`.',
})

export const StartPositions = z
  .array(z.strictObject({ topic: z.string(), partition: z.int().min(0), offset: z.int().min(0) }))
  .min(1)
  .max(10_000)
  .meta({
    description:
      'Without a group: where to start in these partitions; the others start at `from`. Not together with `cursor`.',
  })

export const Format = z.enum(recordFormats).meta({
  description:
    'How keys and values are shown: `auto` objects and arrays as JSON, other text as a string, bytes as base64; `cloudevents` every value as a CloudEvent.',
})

export const Isolation = z.enum(['read_uncommitted', 'read_committed']).meta({
  description: '`read_committed` shows nothing of transactions that are open or were aborted.',
})

export const WindowRecords = z.int().min(0).max(MAX_WINDOW).meta({
  description:
    'At most so many records are on their way: sent and not acked, or without `ack=client` not proved received by a pong. 0 sends only what `credit` allows.',
})

export const WindowBytes = z.int().min(1).max(MAX_WINDOW_BYTES).meta({
  description:
    'The same for the bytes of the records as JSON; the last one may go beyond. Not with `window=0`, where `credit` gives bytes.',
})

/** A subscription, from the URL or the first frame. */
export interface SubscriptionOptions extends Narrowing {
  readonly topics: readonly string[]
  /** Which topics a pattern may stand for; any, where left out. */
  readonly isVisible?: (topic: string) => boolean
  readonly group: string | undefined
  readonly from: StartPosition
  readonly cursor: string | undefined
  /** Where to start in some partitions, by topic. */
  readonly positions: ReadonlyMap<string, ReadonlyMap<number, number>> | undefined
  readonly ack: 'auto' | 'client'
  readonly format: z.output<typeof Format>
  readonly isolation: z.output<typeof Isolation>
  /** Records; 0 for credit by hand. */
  readonly window: number | undefined
  readonly windowBytes: number | undefined
  /** Milliseconds; undefined where the resume token says. */
  readonly graceMs: number | undefined
  readonly resume: string | undefined
}

/** How long places in groups are kept, where a subscription doesn't say and at most, ms. */
export interface GraceLimits {
  readonly graceMs: number
  readonly maxGraceMs: number
}

interface RawOptions extends RawNarrowing {
  /** May be left out with `resume` alone. */
  topics?: readonly string[] | undefined
  group?: string | undefined
  from?: string | undefined
  cursor?: string | undefined
  positions?: z.output<typeof StartPositions> | undefined
  ack?: 'auto' | 'client' | undefined
  format?: z.output<typeof Format> | undefined
  isolation?: z.output<typeof Isolation> | undefined
  grace?: number | undefined
  resume?: string | undefined
  window?: number | undefined
  windowBytes?: number | undefined
}

/** A number as a query says it. */
function digitsOf(schema: z.ZodInt) {
  const { description } = schema
  return z
    .string()
    .regex(/^\d{1,16}$/, 'expected a whole number')
    .meta({ description })
    .transform(Number)
    .pipe(schema)
}

/** The query of the URL as the subscribe message has it. */
export const SubscriptionQuery = z.strictObject({
  topics: z
    .string()
    .meta({
      description:
        'Topics to read, separated by commas: names, or a prefix and `*` for all that begin so, those to come with them; `*` alone for all.',
    })
    .transform((text) => text.split(','))
    .pipe(TopicList)
    .optional(),
  group: GroupId.optional(),
  from: From.optional(),
  cursor: Cursor.optional(),
  ack: Ack.optional(),
  format: Format.optional(),
  isolation: Isolation.optional(),
  window: digitsOf(WindowRecords).optional(),
  windowBytes: digitsOf(WindowBytes).optional(),
  partition: digitsOf(OnlyPartition).optional(),
  until: Until.optional(),
  limit: digitsOf(Limit).optional(),
  key: Key.optional(),
  header: Headers.optional(),
  grace: digitsOf(Grace).optional(),
  resume: Resume.optional(),
})

/**
 * The subscription that a URL's query asks for; undefined where it asks for none.
 * @throws Problem invalid_subscription, invalid_topic_name, internal_topic
 */
export function subscriptionFromQuery(
  query: URLSearchParams,
  grace: GraceLimits,
): SubscriptionOptions | undefined {
  if (query.size === 0) return undefined
  const errors: ProblemPart[] = []
  for (const name of new Set(query.keys())) {
    const isList = name === 'header'
    if (query.getAll(name).length > 1 && !isList)
      errors.push({ parameter: name, reason: 'given more than once' })
  }
  const given: Record<string, unknown> = Object.fromEntries(query)
  if (query.has('header')) given.header = query.getAll('header')
  const result = SubscriptionQuery.safeParse(given, { error: reasonFor })
  if (!result.success) {
    for (const issue of result.error.issues) {
      if (issue.code === 'unrecognized_keys') {
        for (const key of issue.keys) errors.push({ parameter: key, reason: 'no such parameter' })
      } else errors.push({ parameter: String(issue.path[0] ?? 'topics'), reason: issue.message })
    }
  }
  if (errors.length > 0 || !result.success) throw invalidSubscription(errors)
  return completeSubscription(result.data, grace)
}

/**
 * Fills in the defaults and checks what the members mean together.
 * A new group starts at the latest record, as Kafka's own consumers do; a plain reader does too.
 * @throws as subscriptionFromQuery
 */
export function completeSubscription(raw: RawOptions, grace: GraceLimits): SubscriptionOptions {
  const errors: ProblemPart[] = []
  const { topics = [] } = raw
  const isInGroup = raw.group !== undefined || raw.resume !== undefined
  for (const topic of topics) checkTopic(topic)
  if (raw.topics === undefined && raw.resume === undefined)
    errors.push({ parameter: 'topics', reason: 'is missing, and no resume token stands for it' })
  if (new Set(topics).size !== topics.length)
    errors.push({ parameter: 'topics', reason: 'names a topic twice' })
  if (raw.group !== undefined && isInternalGroup(raw.group))
    errors.push({ parameter: 'group', reason: 'a name that the gateway keeps for itself' })
  if (raw.cursor !== undefined && raw.from !== undefined)
    errors.push({ parameter: 'cursor', reason: 'not together with from' })
  if (raw.cursor !== undefined && isInGroup) {
    errors.push({ parameter: 'cursor', reason: 'not in a group: a group resumes where it committed' })
  }
  if (raw.ack !== undefined && !isInGroup)
    errors.push({ parameter: 'ack', reason: 'only in a group: nothing else is committed' })
  if (raw.window === 0 && raw.windowBytes !== undefined) {
    errors.push({ parameter: 'windowBytes', reason: 'not with window=0: credit gives bytes there' })
  }
  if (raw.grace !== undefined && !isInGroup)
    errors.push({ parameter: 'grace', reason: 'only in a group: nothing else has partitions of its own' })
  if (raw.grace !== undefined && raw.grace > grace.maxGraceMs)
    errors.push({ parameter: 'grace', reason: `at most ${grace.maxGraceMs}` })
  if (raw.grace === 0 && raw.resume !== undefined)
    errors.push({ parameter: 'grace', reason: 'not 0 with resume' })
  if (raw.positions !== undefined && raw.cursor !== undefined)
    errors.push({ parameter: 'positions', reason: 'not together with cursor' })
  if (raw.positions !== undefined && isInGroup)
    errors.push({ parameter: 'positions', reason: 'not in a group: a group resumes where it committed' })
  if (raw.positions !== undefined && raw.partition !== undefined)
    errors.push({ parameter: 'positions', reason: 'not together with partition' })
  const positions = raw.positions && positionsOf(raw.positions, topics, errors)
  const hasWindow = raw.window !== undefined || raw.windowBytes !== undefined
  const narrowing = readNarrowing(raw, { topics, isInGroup, hasWindow }, errors)
  const from = parseStartPosition(raw.from ?? 'latest')
  if (from === undefined) errors.push({ parameter: 'from', reason: START_POSITION_FORMS })
  if (errors.length > 0 || from === undefined) throw invalidSubscription(errors)
  return {
    topics,
    group: raw.group,
    from,
    cursor: raw.cursor,
    positions,
    ack: raw.ack ?? 'auto',
    format: raw.format ?? 'auto',
    isolation: raw.isolation ?? 'read_uncommitted',
    window: raw.window,
    windowBytes: raw.windowBytes,
    graceMs: raw.grace ?? (raw.resume === undefined ? grace.graceMs : undefined),
    resume: raw.resume,
    ...narrowing,
  }
}

/** @throws Problem invalid_topic_name, internal_topic */
function checkTopic(text: string): void {
  // A prefix that a name may have; which of them are internal shows when they are looked for.
  if (!isPattern(text)) checkTopicName(text)
  else if (text.length > 1) checkTopicName(`${text.slice(0, -1)}x`)
}

/** By topic and partition. */
function positionsOf(
  given: NonNullable<RawOptions['positions']>,
  topics: readonly string[],
  errors: ProblemPart[],
): Map<string, Map<number, number>> {
  const found = new Map<string, Map<number, number>>()
  const reads = (topic: string) =>
    topics.some((text) => (isPattern(text) ? topic.startsWith(text.slice(0, -1)) : topic === text))
  for (const [n, { topic, partition, offset }] of given.entries()) {
    const offsets = found.get(topic) ?? new Map<number, number>()
    found.set(topic, offsets)
    const reason = offsets.has(partition) ? 'names a partition twice' : 'is of another topic'
    if (offsets.has(partition) || !reads(topic)) {
      errors.push({ parameter: 'positions', pointer: `/positions/${n}`, reason })
      break
    }
    offsets.set(partition, offset)
  }
  return found
}

export function invalidSubscription(errors: readonly ProblemPart[]): Problem {
  const [first] = errors
  return new Problem('invalid_subscription', {
    errors,
    detail:
      first === undefined ? 'The subscription is not acceptable.' : `${first.parameter}: ${first.reason}.`,
  })
}
