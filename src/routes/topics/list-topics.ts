import { z } from 'zod'
import type { Deps } from '../../deps.ts'
import { isInternalTopic } from '../../internal-topics.ts'
import { addRoute, type App, parseQuery, problemResponses, TopicName } from '../route.ts'
import { replicationFactorOf } from './topic-document.ts'

const TopicList = z
  .strictObject({
    topics: z.array(
      z
        .strictObject({
          name: TopicName,
          partitions: z.int().positive(),
          replicationFactor: z.int().positive(),
        })
        .meta({ id: 'TopicSummary' }),
    ),
  })
  .meta({ id: 'TopicList' })

const Query = z.strictObject({})

export function registerListTopics(app: App, { cluster }: Pick<Deps, 'cluster'>): void {
  addRoute(
    app,
    {
      operationId: 'listTopics',
      access: 'asked by the handler',
      method: 'get',
      path: '/v1/topics',
      tags: ['Topics'],
      summary: 'List the topics',
      description:
        'Sorted by name. Topics that belong to Kafka or the gateway itself are left out, as are those the gateway may not see.',
      responses: {
        200: { description: 'The topics.', content: { 'application/json': { schema: TopicList } } },
        ...problemResponses('invalid_parameter', 'not_acceptable', 'kafka_auth_failed', 'kafka_unavailable'),
      },
    },
    async (c) => {
      parseQuery(Query, c)
      const caller = app.guard.callerOf(c.env.incoming)
      const topics = await cluster.allTopics()
      const document: z.input<typeof TopicList> = {
        topics: topics
          .filter(({ name, internal }) => !internal && !isInternalTopic(name) && caller.sees(name))
          .sort((a, b) => (a.name < b.name ? -1 : 1))
          .map((topic) => ({
            name: topic.name,
            partitions: topic.partitions.length,
            replicationFactor: replicationFactorOf(topic),
          })),
      }
      return c.json(document)
    },
  )
}
