import { z } from 'zod'
import type { Deps } from '../../deps.ts'
import { electAnew } from '../../kafka/admin/elections/elect-leaders.ts'
import { Problem } from '../../problems/problem.ts'
import { readJson } from '../body.ts'
import { NodeIdOrNull } from '../cluster/node-id.ts'
import { PartitionNumber } from '../reassignments/reassignment-schemas.ts'
import { answerEach, ItemError } from '../results.ts'
import {
  addRoute,
  type App,
  checkBody,
  jsonBodyProblems,
  kafkaProblems,
  parseQuery,
  problemResponses,
  TopicName,
} from '../route.ts'

/** Most topics or partitions that one request names. */
const MAX_NAMED = 1_000

const NewElection = z
  .strictObject({
    type: z
      .enum(['preferred', 'unclean'])
      .default('preferred')
      .describe(
        '`preferred` makes the first of the replicas leader, where it is in sync. `unclean` makes any that is in service leader of a partition without one: records that it lacks are lost.',
      ),
    topics: z.array(TopicName).min(1).max(MAX_NAMED).optional().describe('All partitions of these topics.'),
    partitions: z
      .array(z.strictObject({ topic: TopicName, partition: PartitionNumber }).meta({ id: 'PartitionName' }))
      .min(1)
      .max(MAX_NAMED)
      .optional()
      .describe(
        'These partitions. Where neither topics nor partitions are named, a `preferred` election is of all topics but the internal ones.',
      ),
    dryRun: z.boolean().default(false).describe('Only say who would lead. Nothing is changed.'),
  })
  .meta({ id: 'NewElection', example: { topics: ['orders'] } })

const Election = z
  .strictObject({
    results: z
      .array(
        z
          .strictObject({
            topic: z.string(),
            partition: PartitionNumber,
            leaderBefore: NodeIdOrNull,
            leader: NodeIdOrNull.describe('Who leads now, or would with `dryRun`; null where nobody does.'),
            error: ItemError,
          })
          .meta({
            id: 'ElectionResult',
            example: { topic: 'orders', partition: 0, leaderBefore: 2, leader: 1 },
          }),
      )
      .describe(
        'By topic and partition: those that were named; of all topics, those that needed an election.',
      ),
    dryRun: z.boolean(),
  })
  .meta({
    id: 'Election',
    example: { results: [{ topic: 'orders', partition: 0, leaderBefore: 2, leader: 1 }], dryRun: false },
  })

const content = { 'application/json': { schema: Election } }

export function registerElectLeaders(app: App, deps: Pick<Deps, 'cluster' | 'config'>): void {
  addRoute(
    app,
    {
      operationId: 'electLeaders',
      access: { cluster: 'admin' },
      method: 'post',
      path: '/v1/elections',
      tags: ['Cluster'],
      summary: 'Elect leaders anew',
      description: 'A partition that needs no election keeps its leader, so that this may be repeated.',
      request: { body: { required: true, content: { 'application/json': { schema: NewElection } } } },
      responses: {
        200: { description: 'The leaders.', content },
        207: { description: 'The leaders; those with an `error` could not be elected.', content },
        ...problemResponses(
          ...kafkaProblems,
          ...jsonBodyProblems,
          'internal_topic',
          'topic_not_found',
          'partition_not_found',
          'leader_unavailable',
          'not_acceptable',
          'invalid_parameter',
        ),
      },
    },
    async (c) => {
      parseQuery(z.strictObject({}), c)
      const body = checkBody(NewElection, await readJson(c, deps.config.limits))
      if (body.type === 'unclean' && body.topics === undefined && body.partitions === undefined) {
        const reason = 'it can lose records: name topics or partitions'
        throw new Problem('invalid_request', {
          detail: `/type: ${reason}.`,
          errors: [{ pointer: '/type', reason }],
        })
      }
      const elected = await electAnew(deps.cluster, body)
      const items = elected.map(({ error, ...document }) => ({ document, problem: error }))
      return answerEach(c, items, { dryRun: body.dryRun })
    },
  )
}
