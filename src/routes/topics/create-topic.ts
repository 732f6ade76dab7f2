import { z } from 'zod'
import type { Deps } from '../../deps.ts'
import {
  createTopic,
  TopicRefused,
  type TopicSpec,
  validateTopic,
} from '../../kafka/admin/topics/create-topic.ts'
import { Problem } from '../../problem.ts'
import { readJson } from '../body.ts'
import {
  addRoute,
  type App,
  checkBody,
  checkTopicName,
  parseQuery,
  problemResponses,
  TopicName,
  toPointer,
} from '../route.ts'
import { Retention, toRetentionMs } from './retention.ts'
import { Configs, toConfigsDocument, Topic, toTopicDocument } from './topic-document.ts'

/** Beyond these JSON.parse rounds integers; a larger one can be sent as text. */
const plainNumber = z
  .number()
  .min(Number.MIN_SAFE_INTEGER, 'send so large a number as a string')
  .max(Number.MAX_SAFE_INTEGER, 'send so large a number as a string')

const NewTopic = z
  .strictObject({
    name: TopicName,
    partitions: z
      .int('expected an integer from 1 to 10000')
      .min(1, 'expected an integer from 1 to 10000')
      .max(10_000, 'expected an integer from 1 to 10000')
      .optional()
      .describe("How many partitions; the cluster's `num.partitions` by default."),
    replicationFactor: z
      .int('expected an integer from 1 to 32767')
      .min(1, 'expected an integer from 1 to 32767')
      .max(32_767, 'expected an integer from 1 to 32767')
      .optional()
      .describe("On how many brokers each is kept; the cluster's `default.replication.factor` by default."),
    configs: z
      .record(z.string(), z.union([z.string(), plainNumber, z.boolean()]))
      .optional()
      .describe('Topic configs by their Kafka names, such as `{"max.message.bytes": 2000000}`.'),
    retention: Retention.optional(),
    cleanup: z
      .enum(['delete', 'compact', 'compact,delete'])
      .optional()
      .describe(
        'What becomes of old records: deleted after the retention, or the last of each key kept, or both. Sets `cleanup.policy`.',
      ),
    validateOnly: z
      .boolean()
      .optional()
      .describe('Only say what would be made, or why it could not be. Nothing is made.'),
  })
  .meta({ id: 'NewTopic' })

const TopicPlan = z
  .strictObject({
    name: TopicName,
    partitions: z.int().positive(),
    replicationFactor: z.int().positive(),
    configs: Configs,
  })
  .meta({ id: 'TopicPlan' })

const Query = z.strictObject({})

export function registerCreateTopic(app: App, { cluster, config }: Pick<Deps, 'cluster' | 'config'>): void {
  addRoute(
    app,
    {
      operationId: 'createTopic',
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
          headers: z.object({ location: z.string().describe('Path of the topic.') }),
          content: { 'application/json': { schema: Topic } },
        },
        ...problemResponses(
          'malformed_json',
          'internal_topic',
          'kafka_authorization',
          'not_acceptable',
          'topic_exists',
          'body_too_large',
          'unsupported_media_type',
          'unsupported_content_encoding',
          'invalid_request',
          'invalid_parameter',
          'invalid_topic_name',
          'invalid_topic_config',
          'policy_violation',
          'kafka_auth_failed',
          'kafka_unavailable',
        ),
      },
    },
    async (c) => {
      parseQuery(Query, c)
      const body = await readJson(c, config.limits)
      const { spec, validateOnly } = toSpec(body)
      c.env.outgoing.resource = `topic:${spec.name}`
      try {
        if (validateOnly) {
          const plan = await validateTopic(cluster, spec)
          c.env.outgoing.outcome = 'validated'
          const document: z.input<typeof TopicPlan> = { ...plan, configs: toConfigsDocument(plan.configs) }
          return c.json(document)
        }
        const topic = await createTopic(cluster, spec)
        return c.json(toTopicDocument(topic), 201, { location: `/v1/topics/${topic.name}` })
      } catch (error) {
        throw error instanceof TopicRefused ? toProblem(error, spec.friendly) : error
      }
    },
  )
}

/** A spec, and which of its configs came from a member of a friendlier name. */
interface FriendlySpec extends TopicSpec {
  readonly friendly: ReadonlyMap<string, string>
}

/** @throws Problem invalid_topic_name, internal_topic, invalid_request */
function toSpec(value: unknown): { spec: FriendlySpec; validateOnly: boolean } {
  checkName(value)
  const body = checkBody(NewTopic, value)
  const configs = new Map<string, string>()
  const friendly = new Map<string, string>()
  for (const [name, config] of Object.entries(body.configs ?? {})) configs.set(name, String(config))
  const add = (member: string, name: string, config: string | undefined) => {
    if (config === undefined) return
    if (configs.has(name)) {
      const reason = `give this or ${name} in configs, not both`
      const detail = `/${member}: ${reason}.`
      throw new Problem('invalid_request', { detail, errors: [{ pointer: `/${member}`, reason }] })
    }
    configs.set(name, config)
    friendly.set(name, member)
  }
  add('retention', 'retention.ms', body.retention && toRetentionMs(body.retention))
  add('cleanup', 'cleanup.policy', body.cleanup)
  const { name, partitions, replicationFactor, validateOnly = false } = body
  return { spec: { name, partitions, replicationFactor, configs, friendly }, validateOnly }
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

function toProblem(refused: TopicRefused, friendly: ReadonlyMap<string, string>): Problem {
  const { part, config, message: reason } = refused
  const member = config === undefined ? undefined : friendly.get(config)
  const path = member !== undefined ? [member] : config === undefined ? [part] : [part, config]
  const pointer = toPointer(path)
  return new Problem(refused.code, {
    detail: `${pointer}: ${reason}.`,
    errors: [{ pointer, reason }],
    cause: refused.cause,
  })
}
