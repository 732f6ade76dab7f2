import { z } from '@hono/zod-openapi'
import type { Deps } from '../../deps.ts'
import type { TopicChange, TopicState } from '../../kafka/admin/topics/alter-steps.ts'
import { alterTopic, PartlyAltered, validateChange } from '../../kafka/admin/topics/alter-topic.ts'
import { TopicRefused } from '../../kafka/admin/topics/topic-refused.ts'
import { problemFromKafka } from '../../kafka/errors.ts'
import { Problem } from '../../problems/problem.ts'
import { readJson } from '../body.ts'
import { checkIfMatch } from '../etag.ts'
import {
  addRoute,
  type App,
  checkBody,
  jsonBodyProblems,
  kafkaProblems,
  parseQuery,
  problemResponses,
  TopicName,
  topicParam,
} from '../route.ts'
import { configPatchMembers, toConfigChanges } from '../configs/config-patch.ts'
import { Cleanup, ConfigMembers, PartitionCount, refusedProblem } from './config-members.ts'
import { Retention, toRetentionMs } from './retention.ts'
import { Topic, toTopicDocument } from './topic-document.ts'
import { TagHeader, topicEtag } from './topic-etag.ts'

const TopicPatch = z
  .strictObject({
    partitions: PartitionCount.optional().describe(
      'How many partitions the topic is to have in all, at least as many as it has. Records of a key go to another partition from then on, as with any producer of Kafka.',
    ),
    ...configPatchMembers,
    retention: Retention.nullable().optional(),
    cleanup: Cleanup.nullable().optional(),
    validateOnly: z
      .boolean()
      .optional()
      .describe('Only say what would be changed, or why it could not be. Nothing is.'),
  })
  .openapi('TopicPatch', {
    example: {
      partitions: 6,
      retention: '30d',
      configs: { 'max.message.bytes': 2_000_000, 'segment.ms': null },
    },
  })

const TopicPatchPlan = z
  .strictObject({
    name: TopicName,
    partitions: z.strictObject({ before: z.int().positive(), after: z.int().positive() }),
    configs: z.array(
      z.strictObject({
        name: z.string(),
        before: z.string().nullable().describe('Null where it is not set, or not told.'),
        after: z.string().nullable().describe('Null for the default.'),
      }),
    ),
  })
  .openapi('TopicPatchPlan', {
    example: {
      name: 'orders',
      partitions: { before: 3, after: 6 },
      configs: [{ name: 'retention.ms', before: '604800000', after: '2592000000' }],
    },
  })

const Query = z.strictObject({})

export function registerAlterTopic(app: App, { cluster, config }: Pick<Deps, 'cluster' | 'config'>): void {
  addRoute(
    app,
    {
      operationId: 'alterTopic',
      access: { topic: 'alter' },
      method: 'patch',
      path: '/v1/topics/{topic}',
      tags: ['Topics'],
      summary: 'Change a topic',
      description: [
        'Sets configs, and adds partitions. What is not named stays as it is, whoever changes it at the same time',
        '(KIP-339). The same request again changes nothing more. Its new partitions take records when it is answered.',
        '',
        'Configs and partitions are two calls to Kafka. Both are validated before the first is made, configs first. Where',
        'one fails nonetheless, `changed` in the problem says of each whether it was `made`, `not_made`, or is `unknown`',
        'because Kafka did not answer: send the same request again.',
        '',
        'With `If-Match` it is changed only if it is as `ETag` said of it; Kafka itself does not compare, so a change that',
        'another makes within the same few milliseconds is not noticed.',
      ].join('\n'),
      request: {
        params: z.object({ topic: TopicName }),
        headers: z.object({
          'if-match': z.string().optional().describe('The ETag that the change is based on.'),
        }),
        body: { required: true, content: { 'application/json': { schema: TopicPatch } } },
      },
      responses: {
        200: {
          description: 'The topic as it is now; with `validateOnly` what would be changed.',
          headers: TagHeader,
          content: { 'application/json': { schema: z.union([Topic, TopicPatchPlan]) } },
        },
        ...problemResponses(
          ...kafkaProblems,
          ...jsonBodyProblems,
          'internal_topic',
          'topic_not_found',
          'precondition_failed',
          'invalid_parameter',
          'invalid_topic_name',
          'invalid_topic_config',
          'policy_violation',
        ),
      },
    },
    async (c) => {
      parseQuery(Query, c)
      const name = topicParam(c)
      const body = checkBody(TopicPatch, await readJson(c, config.limits))
      const { change, members } = toChange(body)
      const check = (state: TopicState) => checkIfMatch(c, topicEtag(state))
      try {
        if (body.validateOnly === true) {
          const plan = await validateChange(cluster, name, change, check)
          c.env.outgoing.outcome = 'validated'
          const document: z.input<typeof TopicPatchPlan> = { ...plan, configs: [...plan.configs] }
          return c.json(document)
        }
        const topic = await alterTopic(cluster, name, change, check)
        return c.json(toTopicDocument(topic), 200, { etag: topicEtag(topic) })
      } catch (error) {
        if (error instanceof PartlyAltered) throw partly(error, members)
        throw error instanceof TopicRefused ? refusedProblem(error, members) : error
      }
    },
  )
}

/** @throws Problem invalid_request where two members are about one config */
function toChange(body: z.output<typeof TopicPatch>): { change: TopicChange; members: ConfigMembers } {
  const { set, append, subtract } = toConfigChanges(body)
  const members = new ConfigMembers()
  for (const [member, names] of Object.entries({ configs: set, append, subtract })) {
    for (const name of names.keys()) members.add([member, name], name)
  }
  const friendly = new Map<string, string | null>()
  const add = (member: string, name: string, value: string | null | undefined) => {
    if (value === undefined) return
    members.add([member], name)
    friendly.set(name, value)
  }
  add('retention', 'retention.ms', body.retention && toRetentionMs(body.retention))
  add('cleanup', 'cleanup.policy', body.cleanup)
  const configs = { set: new Map([...set, ...friendly]), append, subtract }
  return { change: { partitions: body.partitions, configs }, members }
}

/** The problem, and what had been done when it came up. */
function partly({ cause, changed }: PartlyAltered, members: ConfigMembers): Problem {
  const problem = cause instanceof TopicRefused ? refusedProblem(cause, members) : problemFromKafka(cause)
  const words = { made: 'were changed', not_made: 'were not changed', unknown: 'may have been changed' }
  const said = Object.entries(changed).map(([part, made]) => `the ${part} ${words[made]}`)
  return new Problem(problem.code, {
    ...problem.options,
    detail: `${problem.message.replace(/\.?$/, '')}; ${said.join(', ')}.`,
    extra: { ...problem.options.extra, changed },
  })
}
