import { z } from 'zod'
import type { Deps } from '../../deps.ts'
import { cancelReassignments } from '../../kafka/admin/reassignments/cancel-reassignments.ts'
import { flag } from '../parameters.ts'
import { answerEach } from '../results.ts'
import { addRoute, type App, checkTopicName, kafkaProblems, parseQuery, problemResponses } from '../route.ts'
import { filterMembers, Step, toItems } from './reassignment-schemas.ts'

const CancelledReassignments = z
  .strictObject({
    results: z.array(Step).describe('Each partition, from all its replicas now to those it keeps.'),
    dryRun: z.boolean(),
  })
  .meta({
    id: 'CancelledReassignments',
    example: { results: [{ topic: 'orders', partition: 0, from: [3, 2, 1], to: [1, 2] }], dryRun: false },
  })

const Query = z.strictObject({
  ...filterMembers,
  dryRun: flag('Only say what would be cancelled. Nothing is.'),
})

const content = { 'application/json': { schema: CancelledReassignments } }

export function registerCancelReassignments(app: App, { cluster }: Pick<Deps, 'cluster'>): void {
  addRoute(
    app,
    {
      operationId: 'cancelReassignments',
      access: { cluster: 'admin' },
      method: 'delete',
      path: '/v1/reassignments',
      tags: ['Cluster'],
      summary: 'Cancel reassignments in progress',
      description:
        'Those that the query names, or all: the replicas that were being added go, those that were to be removed stay. After a 503 it may be done or not: ask again, and take a 404 for done.',
      request: { query: Query },
      responses: {
        200: { description: 'They are cancelled.', content },
        207: { description: 'Some are; those that Kafka refused have an `error`.', content },
        ...problemResponses(
          ...kafkaProblems,
          'internal_topic',
          'no_reassignment',
          'topic_not_found',
          'not_acceptable',
          'invalid_parameter',
          'invalid_assignment',
        ),
      },
    },
    async (c) => {
      const { topic, partition, dryRun } = parseQuery(Query, c)
      if (topic !== undefined) checkTopicName(topic)
      return answerEach(c, toItems(await cancelReassignments(cluster, { topic, partition }, dryRun)), {
        dryRun,
      })
    },
  )
}
