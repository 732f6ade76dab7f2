import { z } from 'zod'
import type { Deps } from '../../deps.ts'
import { removeThrottles } from '../../kafka/admin/reassignments/throttle.ts'
import { NodeId, Unanswered } from '../cluster/node-id.ts'
import { flag } from '../parameters.ts'
import { addRoute, type App, kafkaProblems, parseQuery, problemResponses } from '../route.ts'

const RemovedThrottle = z
  .strictObject({
    topics: z.array(z.string()).describe('Whose replicas were throttled.'),
    brokers: z.array(NodeId).describe('That had a rate.'),
    unanswered: Unanswered.describe(
      'Brokers that did not answer within five seconds: a rate of theirs stays.',
    ),
    dryRun: z.boolean(),
  })
  .meta({
    id: 'RemovedThrottle',
    example: { topics: ['orders'], brokers: [1, 2, 3], unanswered: [], dryRun: false },
  })

const Query = z.strictObject({ dryRun: flag('Only say what is throttled. Nothing is changed.') })

export function registerRemoveThrottle(app: App, { cluster }: Pick<Deps, 'cluster'>): void {
  addRoute(
    app,
    {
      operationId: 'removeReassignmentThrottle',
      access: { cluster: 'admin' },
      method: 'delete',
      path: '/v1/reassignments/throttle',
      tags: ['Cluster'],
      summary: 'Take the throttle of reassignments off again',
      description:
        'From every topic and broker, whoever set it; refused while anything is still being copied. Safe to repeat.',
      request: { query: Query },
      responses: {
        200: {
          description: 'Nothing is throttled any more.',
          content: { 'application/json': { schema: RemovedThrottle } },
        },
        ...problemResponses(
          ...kafkaProblems,
          'reassignment_in_progress',
          'not_acceptable',
          'invalid_parameter',
          'invalid_topic_config',
          'policy_violation',
        ),
      },
    },
    async (c) => {
      const { dryRun } = parseQuery(Query, c)
      const { topics, brokers, unanswered } = await removeThrottles(cluster, dryRun)
      if (dryRun) c.env.outgoing.outcome = 'validated'
      const document: z.input<typeof RemovedThrottle> = {
        topics: [...topics],
        brokers: [...brokers],
        unanswered: [...unanswered],
        dryRun,
      }
      return c.json(document)
    },
  )
}
