import { z } from 'zod'
import type { Deps } from '../../deps.ts'
import { describeTopic } from '../../kafka/admin/topics/describe-topic.ts'
import {
  addRoute,
  type App,
  kafkaProblems,
  parseQuery,
  problemResponses,
  TopicName,
  topicParam,
} from '../route.ts'
import { Topic, toTopicDocument } from './topic-document.ts'
import { TagHeader, topicEtag } from './topic-etag.ts'

const Query = z.strictObject({})

export function registerDescribeTopic(app: App, { cluster }: Pick<Deps, 'cluster'>): void {
  addRoute(
    app,
    {
      operationId: 'describeTopic',
      access: { topic: 'describe' },
      method: 'get',
      path: '/v1/topics/{topic}',
      tags: ['Topics'],
      summary: 'Describe a topic',
      description:
        'Its partitions with their leaders, replicas, offset bounds and size on disk, and its configs in force.',
      request: { params: z.object({ topic: TopicName }) },
      responses: {
        200: {
          description: 'The topic.',
          headers: TagHeader,
          content: { 'application/json': { schema: Topic } },
        },
        ...problemResponses(
          ...kafkaProblems,
          'internal_topic',
          'topic_not_found',
          'not_acceptable',
          'invalid_topic_name',
          'invalid_parameter',
        ),
      },
    },
    async (c) => {
      parseQuery(Query, c)
      const topic = await describeTopic(cluster, topicParam(c))
      return c.json(toTopicDocument(topic), 200, { etag: topicEtag(topic) })
    },
  )
}
