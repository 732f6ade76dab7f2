import { z } from 'zod'
import type { Deps } from '../../deps.ts'
import { commitReset } from '../../kafka/admin/groups/commit-reset.ts'
import { planReset, type ResetRequest, type ResetTarget } from '../../kafka/admin/groups/plan-reset.ts'
import { Problem, type ProblemPart } from '../../problems/problem.ts'
import { parseStartPosition } from '../../records/start-position.ts'
import { readJson } from '../body.ts'
import { checkTopics } from '../check-topics.ts'
import { checkIfMatch, etagOf } from '../etag.ts'
import {
  addRoute,
  type App,
  checkBody,
  jsonBodyProblems,
  parseQuery,
  problemResponses,
  TopicName,
} from '../route.ts'
import { GroupId, groupParam, groupProblems, offset, partition } from './group-schemas.ts'
import { answerChanges, OffsetChanges } from './offset-changes.ts'

const MAX_TOPICS = 1_000
const MAX_PARTITIONS = 10_000
const MAX_REPORTED = 20
/** Characters, so that the name fits a string of Kafka's protocol: 32,767 bytes. */
const MAX_GROUP_LENGTH = 8_000

const time = 'expected an ISO 8601 time with its zone, or epoch milliseconds'
const Timestamp = z
  .union([z.int().nonnegative(time), z.string()], { error: time })
  .refine((value) => parseTime(value) !== undefined, time)

const target = 'expected earliest, latest, {offset}, {timestamp}, {shift} or {group}'
const Target = z
  .union(
    [
      z.enum(['earliest', 'latest']),
      z.strictObject({ offset }).describe('This offset.'),
      z
        .strictObject({ timestamp: Timestamp })
        .describe('The first record of this time or later: ISO 8601 with a zone, or epoch milliseconds.'),
      z.strictObject({ shift: z.int() }).describe('So many offsets on; back, where it is below 0.'),
      z.strictObject({ group: GroupId.max(MAX_GROUP_LENGTH) }).describe('Where another group is.'),
    ],
    { error: target },
  )
  .meta({ id: 'ResetTarget' })

const Reset = z
  .strictObject({
    to: Target.optional().describe('Where the group is to be. Left out where each partition says so itself.'),
    topics: z.array(TopicName).min(1).max(MAX_TOPICS).optional().describe('Topics, all of their partitions.'),
    partitions: z
      .array(
        z.strictObject({
          topic: TopicName,
          partition,
          offset: offset.optional().describe('Of this partition alone, instead of `to`.'),
        }),
      )
      .min(1)
      .max(MAX_PARTITIONS)
      .optional()
      .describe('Single partitions.'),
    dryRun: z.boolean().optional().describe('Only say what would be changed.'),
  })
  .meta({
    id: 'ResetOffsets',
    example: { to: { timestamp: '2026-11-25T00:00:00Z' }, topics: ['orders'], dryRun: true },
  })

const Query = z.strictObject({})

export function registerResetOffsets(app: App, { cluster, config }: Pick<Deps, 'cluster' | 'config'>): void {
  addRoute(
    app,
    {
      operationId: 'resetOffsets',
      access: { group: 'alter' },
      method: 'put',
      path: '/v1/groups/{group}/offsets',
      tags: ['Groups'],
      summary: 'Set where a group resumes',
      description: [
        'Of all topics in which it has committed, or of those named, or of single partitions. What lies beyond the bounds of',
        'a partition is replaced by the nearest of them, and `clamped` says so. A time after the last record is the end.',
        'The group need not exist: given offsets, it does, and its first consumer starts there.',
        '',
        'Kafka sets offsets only while the group has no members: 409 `group_active` otherwise, and nothing is changed.',
        'The same request twice does the same as once, but for a `shift`: send `If-Match` with the ETag of listGroupOffsets,',
        'and a second one is refused.',
      ].join('\n'),
      request: {
        params: z.object({ group: GroupId }),
        headers: z.object({
          'if-match': z
            .string()
            .optional()
            .describe('The ETag of listGroupOffsets: refused where they have changed since.'),
        }),
        body: { required: true, content: { 'application/json': { schema: Reset } } },
      },
      responses: {
        200: {
          description: 'All are set; or, of a dry run, would be.',
          content: { 'application/json': { schema: OffsetChanges } },
        },
        207: {
          description:
            'Some are set, and the others say why not. When none is, the problem of the first has them all in `offsets`.',
          content: { 'application/json': { schema: OffsetChanges } },
        },
        ...problemResponses(
          ...jsonBodyProblems,
          ...groupProblems,
          'internal_topic',
          'topic_not_found',
          'partition_not_found',
          'offset_not_committed',
          'group_active',
          'group_type_unsupported',
          'precondition_failed',
          'invalid_topic_name',
          'outcome_unknown',
        ),
      },
    },
    async (c) => {
      parseQuery(Query, c)
      const { dryRun = false, ...body } = checkBody(Reset, await readJson(c, config.limits))
      const caller = app.guard.callerOf(c.env.incoming)
      const request = toRequest(body)
      const { topics = [], partitions = [], to } = body
      caller.requireTopics('consume', [...topics, ...partitions.map(({ topic }) => topic)])
      if (typeof to === 'object' && 'group' in to) caller.requireGroup('describe', to.group)
      const plan = await planReset(cluster, groupParam(c), request)
      if (plan.changes.some(({ topic }) => !caller.sees(topic))) {
        throw new Problem('forbidden', {
          detail: 'The group has offsets in topics that you may not consume: name those that you may.',
        })
      }
      // Of a group without any named topics these are all that it has read.
      caller.requireTopics(
        'consume',
        plan.changes.map(({ topic }) => topic),
      )
      checkIfMatch(c, etagOf(plan.committed))
      const changes = dryRun ? plan.changes : await commitReset(cluster, plan)
      return answerChanges(c, plan.group, changes, dryRun)
    },
  )
}

/** @throws Problem invalid_request, internal_topic */
function toRequest({ to, topics = [], partitions = [] }: z.output<typeof Reset>): ResetRequest {
  const errors: ProblemPart[] = []
  const allSay = partitions.length > 0 && partitions.every((p) => p.offset !== undefined)
  if (to === undefined && (topics.length > 0 || !allSay)) {
    errors.push({ pointer: '/to', reason: `is missing: ${target}` })
  }
  const seen = new Set(topics)
  if (seen.size < topics.length) errors.push({ pointer: '/topics', reason: 'a topic given twice' })
  partitions.forEach(({ topic, partition }, i) => {
    const name = `${topic}/${partition}`
    if (seen.has(topic)) errors.push({ pointer: `/partitions/${i}`, reason: 'its topic is in topics, too' })
    else if (seen.has(name)) errors.push({ pointer: `/partitions/${i}`, reason: 'a partition given twice' })
    seen.add(name)
  })
  if (errors.length > 0) {
    const detail = `${errors[0]!.pointer}: ${errors[0]!.reason}.`
    throw new Problem('invalid_request', { errors: errors.slice(0, MAX_REPORTED), detail })
  }
  checkTopics([
    ...topics.map((topic, i) => ({ topic, pointer: `/topics/${i}` })),
    ...partitions.map(({ topic }, i) => ({ topic, pointer: `/partitions/${i}/topic` })),
  ])
  return { target: to && toTarget(to), topics, partitions }
}

function toTarget(to: z.output<typeof Target>): ResetTarget {
  if (typeof to === 'string') return { kind: to }
  if ('offset' in to) return { kind: 'offset', offset: to.offset }
  if ('timestamp' in to) return { kind: 'time', timestamp: parseTime(to.timestamp)! }
  if ('shift' in to) return { kind: 'shift', shift: to.shift }
  return { kind: 'group', group: to.group }
}

/** Milliseconds since the epoch; undefined where the text is no time. */
function parseTime(value: string | number): number | undefined {
  if (typeof value === 'number') return value
  const position = parseStartPosition(value)
  return position?.kind === 'time' ? position.timestamp : undefined
}
