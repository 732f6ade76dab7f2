import { z } from '@hono/zod-openapi'
import type { Deps } from '../../deps.ts'
import type { TopicInfo } from '../../kafka/cluster.ts'
import { isInternalTopic } from '../../internal-topics.ts'
import { Next, pageOf, pageParameters } from '../page.ts'
import { flag, whole } from '../parameters.ts'
import { addRoute, type App, parseQuery, problemResponses, TopicName } from '../route.ts'
import { isUnderReplicated, replicationFactorOf } from './topic-document.ts'
import { fitsGlob, GLOB } from './topic-glob.ts'

const MAX_LIMIT = 10_000
const MAX_NAME = 249

const TopicList = z
  .strictObject({
    topics: z.array(
      z
        .strictObject({
          name: TopicName,
          partitions: z.int().positive(),
          replicationFactor: z.int().positive(),
          underReplicated: z
            .int()
            .nonnegative()
            .describe('How many of the partitions have a replica that is not in sync.'),
          internal: z.boolean().describe('Whether it belongs to Kafka or the gateway itself.'),
        })
        .openapi('TopicSummary'),
    ),
    next: Next,
  })
  .openapi('TopicList', {
    example: {
      topics: [{ name: 'orders', partitions: 3, replicationFactor: 3, underReplicated: 0, internal: false }],
      next: null,
    },
  })

const name = z.string().max(MAX_NAME, `expected at most ${MAX_NAME} characters`)

const Query = z.strictObject({
  prefix: name.optional().describe('Only topics whose names begin so.'),
  match: z
    .string()
    .regex(GLOB, 'expected a pattern of a topic name, in which * is any text and ? any one character')
    .optional()
    .openapi({
      description: 'Only topics whose names fit this: `*` is any text, `?` any one character.',
      example: '*-dlq',
    }),
  internal: flag('Whether topics that belong to Kafka or the gateway itself are listed, too.'),
  underReplicated: flag('Only topics of which a replica is not in sync.'),
  limit: whole(1, MAX_LIMIT)
    .optional()
    .describe('The most topics to answer with; all of them where left out.'),
  after: pageParameters.after,
})

export function registerListTopics(app: App, { cluster }: Pick<Deps, 'cluster'>): void {
  addRoute(
    app,
    {
      operationId: 'listTopics',
      method: 'get',
      path: '/v1/topics',
      tags: ['Topics'],
      summary: 'List the topics',
      description: [
        'Sorted by name. Topics that belong to Kafka or the gateway itself are left out unless `internal` asks for them, as',
        'are those the gateway may not see. Pages go on by name: what is there all the while comes once, whatever is made',
        'or deleted in between.',
      ].join('\n'),
      request: { query: Query },
      responses: {
        200: { description: 'The topics.', content: { 'application/json': { schema: TopicList } } },
        ...problemResponses('invalid_parameter', 'not_acceptable', 'kafka_auth_failed', 'kafka_unavailable'),
      },
    },
    async (c) => {
      const query = parseQuery(Query, c)
      const found = (await cluster.allTopics())
        .filter((topic) => isWanted(topic, query))
        .sort((a, b) => (a.name < b.name ? -1 : 1))
      const { limit = Infinity, after } = query
      const { page, next } = pageOf(found, ({ name }) => name, { limit, after })
      const document: z.input<typeof TopicList> = {
        topics: page.map((topic) => ({
          name: topic.name,
          partitions: topic.partitions.length,
          replicationFactor: replicationFactorOf(topic),
          underReplicated: underReplicatedOf(topic),
          internal: isInternal(topic),
        })),
        next,
      }
      return c.json(document)
    },
  )
}

function isWanted(topic: TopicInfo, query: z.output<typeof Query>): boolean {
  const { prefix = '', match = '*', internal, underReplicated } = query
  return (
    topic.name.startsWith(prefix) &&
    fitsGlob(match, topic.name) &&
    (internal || !isInternal(topic)) &&
    (!underReplicated || underReplicatedOf(topic) > 0)
  )
}

function isInternal({ name, internal }: TopicInfo): boolean {
  return internal || isInternalTopic(name)
}

function underReplicatedOf({ partitions }: TopicInfo): number {
  return partitions.filter(isUnderReplicated).length
}
