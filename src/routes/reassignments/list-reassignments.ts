import { z } from 'zod'
import type { Deps } from '../../deps.ts'
import { listReassignments } from '../../kafka/admin/reassignments/in-progress.ts'
import { NodeId, Unanswered } from '../cluster/node-id.ts'
import { addRoute, type App, kafkaProblems, parseQuery, problemResponses } from '../route.ts'
import { filterMembers, PartitionNumber, Replicas } from './reassignment-schemas.ts'

const bytes = z.int().nonnegative().nullable()

const Reassignment = z
  .strictObject({
    topic: z.string(),
    partition: PartitionNumber,
    replicas: Replicas.describe('All that there are now, old and new.'),
    target: Replicas.describe('Those there will be.'),
    adding: z.array(NodeId),
    removing: z.array(NodeId),
    isr: z
      .array(NodeId)
      .describe('The replicas in sync. It is done once those that are added are among them.'),
    leaderBytes: bytes.describe("Size of the leader's log; null where it does not answer."),
    copiedBytes: bytes.describe(
      'Sizes of the logs of all replicas that are added, together: it comes near `leaderBytes` for each of them. Null where one does not answer.',
    ),
  })
  .meta({
    id: 'Reassignment',
    example: {
      topic: 'orders',
      partition: 0,
      replicas: [3, 2, 1],
      target: [3, 2],
      adding: [3],
      removing: [1],
      isr: [1, 2],
      leaderBytes: 1048576,
      copiedBytes: 524288,
    },
  })

const ReassignmentList = z
  .strictObject({ reassignments: z.array(Reassignment), unanswered: Unanswered })
  .meta({
    id: 'ReassignmentList',
    example: {
      reassignments: [
        {
          topic: 'orders',
          partition: 0,
          replicas: [3, 2, 1],
          target: [3, 2],
          adding: [3],
          removing: [1],
          isr: [1, 2],
          leaderBytes: 1_048_576,
          copiedBytes: 524_288,
        },
      ],
      unanswered: [],
    },
  })

const Query = z.strictObject(filterMembers)

export function registerListReassignments(app: App, { cluster }: Pick<Deps, 'cluster'>): void {
  addRoute(
    app,
    {
      operationId: 'listReassignments',
      access: { cluster: 'describe' },
      method: 'get',
      path: '/v1/reassignments',
      tags: ['Cluster'],
      summary: 'List the reassignments in progress',
      description:
        'Whoever began them, by topic and partition, with how much is copied. One that is done is not listed any more.',
      request: { query: Query },
      responses: {
        200: {
          description: 'The reassignments.',
          content: { 'application/json': { schema: ReassignmentList } },
        },
        ...problemResponses(...kafkaProblems, 'invalid_parameter', 'not_acceptable'),
      },
    },
    async (c) => {
      const { reassignments, unanswered } = await listReassignments(cluster, parseQuery(Query, c))
      const document: z.input<typeof ReassignmentList> = {
        reassignments: reassignments.map((r) => ({
          ...r,
          replicas: [...r.replicas],
          target: [...r.target],
          adding: [...r.adding],
          removing: [...r.removing],
          isr: [...r.isr],
        })),
        unanswered: [...unanswered],
      }
      return c.json(document)
    },
  )
}
