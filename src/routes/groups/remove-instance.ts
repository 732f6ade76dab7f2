import { z } from 'zod'
import type { Deps } from '../../deps.ts'
import { flag } from '../parameters.ts'
import { addRoute, type App, parseQuery } from '../route.ts'
import { GroupId } from './group-schemas.ts'
import { answerRemoval, removal } from './removed-member.ts'

const Query = z.strictObject({
  instanceId: z.string().min(1).describe('The `group.instance.id` of a static member.'),
  dryRun: flag('Only say whom it would be.'),
})

export function registerRemoveInstance(app: App, { cluster }: Pick<Deps, 'cluster'>): void {
  addRoute(
    app,
    {
      ...removal,
      operationId: 'removeInstance',
      path: '/v1/groups/{group}/members',
      summary: 'Remove a static member from a group, by its instance id',
      request: { params: z.object({ group: GroupId }), query: Query },
    },
    (c) => {
      const { instanceId, dryRun } = parseQuery(Query, c)
      return answerRemoval(c, cluster, { instanceId }, dryRun)
    },
  )
}
