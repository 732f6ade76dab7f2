import { z } from 'zod'
import type { Deps } from '../../deps.ts'
import { deleteTopic, findDoomed } from '../../kafka/admin/topics/delete-topic.ts'
import { flag } from '../parameters.ts'
import {
  addRoute,
  type App,
  kafkaProblems,
  parseQuery,
  problemResponses,
  TopicName,
  topicParam,
} from '../route.ts'

const Query = z.strictObject({ dryRun: flag('Only say what would be deleted. Nothing is.') })

const TopicDeletion = z
  .strictObject({
    name: TopicName,
    partitions: z.int().positive().describe('How many it has.'),
    dryRun: z.literal(true),
  })
  .meta({ id: 'TopicDeletion', example: { name: 'orders', partitions: 3, dryRun: true } })

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
      request: { params: z.object({ topic: TopicName }), query: Query },
      responses: {
        200: {
          description: 'What would be deleted: the answer to `dryRun`.',
          content: { 'application/json': { schema: TopicDeletion } },
        },
        204: { description: 'It is gone.' },
        ...problemResponses(
          ...kafkaProblems,
          'internal_topic',
          'topic_deletion_disabled',
          'topic_not_found',
          'invalid_topic_name',
          'invalid_parameter',
        ),
      },
    },
    async (c) => {
      const { dryRun } = parseQuery(Query, c)
      const name = topicParam(c)
      if (dryRun) {
        const { partitions } = await findDoomed(cluster, name)
        c.env.outgoing.outcome = 'validated'
        const document: z.input<typeof TopicDeletion> = { name, partitions: partitions.length, dryRun }
        return c.json(document)
      }
      await deleteTopic(cluster, name)
      return c.body(null, 204)
    },
  )
}
