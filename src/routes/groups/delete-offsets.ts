import { z } from '@hono/zod-openapi'
import type { Deps } from '../../deps.ts'
import { deleteOffsets, planDeletion, toDeletion } from '../../kafka/admin/groups/delete-offsets.ts'
import { checkIfMatch, etagOf } from '../etag.ts'
import { flag, whole } from '../parameters.ts'
import { addRoute, type App, checkTopicName, parseQuery, problemResponses } from '../route.ts'
import { GroupId, groupParam, groupProblems } from './group-schemas.ts'
import { answerChanges, OffsetChanges } from './offset-changes.ts'

const Query = z.strictObject({
  topic: z.string().describe('The topic.'),
  partition: whole(0, 0x7fffffff).optional().describe('This partition alone; all of them where left out.'),
  dryRun: flag('Only say what would be deleted.'),
})

export function registerDeleteOffsets(app: App, { cluster }: Pick<Deps, 'cluster'>): void {
  addRoute(
    app,
    {
      operationId: 'deleteOffsets',
      method: 'delete',
      path: '/v1/groups/{group}/offsets',
      tags: ['Groups'],
      summary: "Delete a group's offsets in a topic",
      description: [
        'The group begins anew there, or is done with a topic that it no longer reads. The group may have members, as long',
        'as none of them subscribes to the topic. After a 503 ask again, and take a 404 for done.',
      ].join('\n'),
      request: {
        params: z.object({ group: GroupId }),
        query: Query,
        headers: z.object({
          'if-match': z
            .string()
            .optional()
            .describe('The ETag of listGroupOffsets: refused where they have changed since.'),
        }),
      },
      responses: {
        200: {
          description: 'They are deleted; or, of a dry run, would be.',
          content: { 'application/json': { schema: OffsetChanges } },
        },
        207: {
          description: 'Some are deleted, and the others say why not.',
          content: { 'application/json': { schema: OffsetChanges } },
        },
        ...problemResponses(
          ...groupProblems,
          'internal_topic',
          'topic_not_found',
          'offset_not_committed',
          'group_active',
          'topic_subscribed',
          'group_type_unsupported',
          'precondition_failed',
          'invalid_topic_name',
        ),
      },
    },
    async (c) => {
      const { topic, partition, dryRun } = parseQuery(Query, c)
      const plan = await planDeletion(cluster, groupParam(c), checkTopicName(topic), partition)
      checkIfMatch(c, etagOf(plan.committed))
      const changes = dryRun ? plan.doomed.map(toDeletion) : await deleteOffsets(cluster, plan)
      return answerChanges(c, plan.group, changes, dryRun)
    },
  )
}
