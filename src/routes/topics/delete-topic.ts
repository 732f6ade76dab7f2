import { z } from 'zod'
import type { Deps } from '../../deps.ts'
import { deleteTopic } from '../../kafka/admin/topics/delete-topic.ts'
import { addRoute, type App, parseQuery, problemResponses, TopicName, topicParam } from '../route.ts'

const Query = z.strictObject({})

export function registerDeleteTopic(app: App, { cluster }: Pick<Deps, 'cluster'>): void {
  addRoute(
    app,
    {
      operationId: 'deleteTopic',
      access: { topic: 'delete' },
      method: 'delete',
      path: '/v1/topics/{topic}',
      tags: ['Topics'],
      summary: 'Delete a topic and all its records',
      description:
        'Answers once the topic is gone. After a 503 it may be gone or not: ask again, and take a 404 for done.',
      request: { params: z.object({ topic: TopicName }) },
      responses: {
        204: { description: 'It is gone.' },
        ...problemResponses(
          'internal_topic',
          'topic_deletion_disabled',
          'kafka_authorization',
          'topic_not_found',
          'invalid_topic_name',
          'invalid_parameter',
          'kafka_auth_failed',
          'kafka_unavailable',
        ),
      },
    },
    async (c) => {
      parseQuery(Query, c)
      await deleteTopic(cluster, topicParam(c))
      return c.body(null, 204)
    },
  )
}
