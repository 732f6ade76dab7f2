import { z } from 'zod'
import type { Deps } from '../../deps.ts'
import { deleteGroup } from '../../kafka/admin/groups/delete-group.ts'
import { toDeletion } from '../../kafka/admin/groups/delete-offsets.ts'
import { flag } from '../parameters.ts'
import { addRoute, type App, parseQuery, problemResponses } from '../route.ts'
import { GroupId, groupParam, groupProblems } from './group-schemas.ts'
import { answerChanges, OffsetChanges } from './offset-changes.ts'

const Query = z.strictObject({ dryRun: flag('Only say what would be deleted.') })

export function registerDeleteGroup(app: App, { cluster }: Pick<Deps, 'cluster'>): void {
  addRoute(
    app,
    {
      operationId: 'deleteGroup',
      access: { group: 'delete' },
      method: 'delete',
      path: '/v1/groups/{group}',
      tags: ['Groups'],
      summary: 'Delete a group and its offsets',
      description:
        'Answers with the offsets that are lost. Only a group without members can be deleted. After a 503 it may be gone or not: ask again, and take a 404 for done.',
      request: { params: z.object({ group: GroupId }), query: Query },
      responses: {
        200: {
          description: 'It is gone; or, of a dry run, would be.',
          content: { 'application/json': { schema: OffsetChanges } },
        },
        ...problemResponses(...groupProblems, 'group_active'),
      },
    },
    async (c) => {
      const dryRun = parseQuery(Query, c).dryRun
      const group = groupParam(c)
      const committed = await deleteGroup(cluster, group, dryRun)
      const caller = app.guard.callerOf(c.env.incoming)
      const seen = committed.filter(({ topic }) => caller.sees(topic))
      return answerChanges(c, group, seen.map(toDeletion), dryRun)
    },
  )
}
