import { z } from 'zod'
import type { Deps } from '../../deps.ts'
import { createTopic, type TopicSpec, validateTopic } from '../../kafka/admin/topics/create-topic.ts'
import { TopicRefused } from '../../kafka/admin/topics/topic-refused.ts'
import { Problem } from '../../problems/problem.ts'
import { readJson } from '../body.ts'
import {
  addRoute,
  type App,
  checkBody,
  checkTopicName,
  jsonBodyProblems,
  kafkaProblems,
  parseQuery,
  problemResponses,
  TopicName,
} from '../route.ts'
import { ConfigName, ConfigValue } from '../configs/config-patch.ts'
import {
  Cleanup,
  ConfigMembers,
  invalid,
  MAX_PARTITIONS,
  PartitionCount,
  refusedProblem,
} from './config-members.ts'
import { Retention, toRetentionMs } from './retention.ts'
import { Configs, exampleTopicConfig, toConfigsDocument, Topic, toTopicDocument } from './topic-document.ts'
import { TagHeader, topicEtag } from './topic-etag.ts'

const brokerId = 'expected the id of a broker'
const broker = z.int(brokerId).nonnegative(brokerId).max(0x7fffffff, brokerId)

/** Kafka's own rules, with a pointer to what breaks them. */
const Assignments = z
  .array(z.array(broker).min(1, 'expected at least one broker'))
  .min(1, 'expected at least one partition')
  .max(MAX_PARTITIONS, `expected at most ${MAX_PARTITIONS} partitions`)
  .superRefine((assignments, context) => {
    for (const [partition, replicas] of assignments.entries()) {
      const twice = replicas.findIndex((id, i) => replicas.indexOf(id) < i)
      if (twice >= 0) context.addIssue({ code: 'custom', path: [partition, twice], message: 'named twice' })
      if (replicas.length === assignments[0]!.length) continue
      const message = `expected ${assignments[0]!.length} brokers, as many as the first partition has`
      context.addIssue({ code: 'custom', path: [partition], message })
    }
  })
  .describe(
    'Where the replicas go: for each partition the ids of its brokers, the preferred leader first. Instead of `partitions` and `replicationFactor`.',
  )

const NewTopic = z
  .strictObject({
    name: TopicName,
    partitions: PartitionCount.optional().describe(
      "How many partitions; the cluster's `num.partitions` by default.",
    ),
    replicationFactor: z
      .int('expected an integer from 1 to 32767')
      .min(1, 'expected an integer from 1 to 32767')
      .max(32_767, 'expected an integer from 1 to 32767')
      .optional()
      .describe("On how many brokers each is kept; the cluster's `default.replication.factor` by default."),
    assignments: Assignments.optional(),
    configs: z
      .record(ConfigName, ConfigValue)
      .optional()
      .describe('Topic configs by their Kafka names, such as `{"max.message.bytes": 2000000}`.'),
    retention: Retention.optional(),
    cleanup: Cleanup.optional(),
    validateOnly: z
      .boolean()
      .optional()
      .describe('Only say what would be made, or why it could not be. Nothing is made.'),
  })
  .meta({ id: 'NewTopic', example: { name: 'orders', partitions: 1, replicationFactor: 1, retention: '7d' } })

const TopicPlan = z
  .strictObject({
    name: TopicName,
    partitions: z.int().positive(),
    replicationFactor: z.int().positive(),
    configs: Configs,
  })
  .meta({
    id: 'TopicPlan',
    example: { name: 'orders', partitions: 1, replicationFactor: 1, configs: [exampleTopicConfig] },
  })

const Query = z.strictObject({})

export function registerCreateTopic(app: App, { cluster, config }: Pick<Deps, 'cluster' | 'config'>): void {
  addRoute(
    app,
    {
      operationId: 'createTopic',
      access: 'asked by the handler',
      method: 'post',
      path: '/v1/topics',
      tags: ['Topics'],
      summary: 'Create a topic',
      description:
        'Answers once its partitions have leaders, so that records can be produced at once. After a 503 it may have been made or not: ask again, and take a 409 for done.',
      request: { body: { required: true, content: { 'application/json': { schema: NewTopic } } } },
      responses: {
        200: {
          description: 'What would be made: the answer to `validateOnly`.',
          content: { 'application/json': { schema: TopicPlan } },
        },
        201: {
          description: 'The topic as it was made.',
          headers: TagHeader.extend({ location: z.string().describe('Path of the topic.') }),
          content: { 'application/json': { schema: Topic } },
        },
        ...problemResponses(
          ...kafkaProblems,
          ...jsonBodyProblems,
          'internal_topic',
          'not_acceptable',
          'topic_exists',
          'invalid_parameter',
          'invalid_topic_name',
          'invalid_topic_config',
          'policy_violation',
        ),
      },
    },
    async (c) => {
      parseQuery(Query, c)
      const body = await readJson(c, config.limits)
      const { spec, validateOnly } = toSpec(body)
      c.env.outgoing.resource = `topic:${spec.name}`
      app.guard.callerOf(c.env.incoming).requireTopics('create', [spec.name])
      try {
        if (validateOnly) {
          const plan = await validateTopic(cluster, spec)
          c.env.outgoing.outcome = 'validated'
          const document: z.input<typeof TopicPlan> = { ...plan, configs: toConfigsDocument(plan.configs) }
          return c.json(document)
        }
        const topic = await createTopic(cluster, spec)
        const headers = { location: `/v1/topics/${topic.name}`, etag: topicEtag(topic) }
        return c.json(toTopicDocument(topic), 201, headers)
      } catch (error) {
        throw error instanceof TopicRefused ? refusedProblem(error, spec.members) : error
      }
    },
  )
}

interface NamedSpec extends TopicSpec {
  readonly members: ConfigMembers
}

/** @throws Problem invalid_topic_name, internal_topic, invalid_request */
function toSpec(value: unknown): { spec: NamedSpec; validateOnly: boolean } {
  checkName(value)
  const body = checkBody(NewTopic, value)
  const { name, partitions, replicationFactor, assignments, validateOnly = false } = body
  for (const member of ['partitions', 'replicationFactor'] as const) {
    if (assignments === undefined || body[member] === undefined) continue
    throw invalid([member], 'give this or assignments, not both')
  }
  const members = new ConfigMembers()
  const configs = new Map<string, string>()
  const add = (path: string[], config: string, text: string) => {
    members.add(path, config)
    configs.set(config, text)
  }
  for (const [config, given] of Object.entries(body.configs ?? {}))
    add(['configs', config], config, String(given))
  if (body.retention !== undefined) add(['retention'], 'retention.ms', toRetentionMs(body.retention))
  if (body.cleanup !== undefined) add(['cleanup'], 'cleanup.policy', body.cleanup)
  return { spec: { name, partitions, replicationFactor, assignments, configs, members }, validateOnly }
}

/** A name that is text but not a topic's has a code of its own. */
function checkName(body: unknown): void {
  const name = (body as { name?: unknown } | null)?.name
  if (typeof name !== 'string') return
  try {
    checkTopicName(name)
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'invalid_topic_name') throw error
    const reason = error.row.fix
    throw new Problem(error.code, { detail: `/name: ${reason}`, errors: [{ pointer: '/name', reason }] })
  }
}
