import { z } from 'zod'
import type { Deps } from '../../deps.ts'
import { flag } from '../parameters.ts'
import { addRoute, type App, parseQuery } from '../route.ts'
import { GroupId } from './group-schemas.ts'
import { answerRemoval, removal } from './removed-member.ts'

const Query = z.strictObject({ dryRun: flag('Only say whom it would be.') })

export function registerRemoveMember(app: App, { cluster }: Pick<Deps, 'cluster'>): void {
  addRoute(
    app,
    {
      ...removal,
      operationId: 'removeMember',
      path: '/v1/groups/{group}/members/{member}',
      summary: 'Remove a member from a group',
      request: {
        params: z.object({
          group: GroupId,
          member: z.string().min(1).describe('Its id, as describeGroup has it.'),
        }),
        query: Query,
      },
    },
    (c) => {
      const { dryRun } = parseQuery(Query, c)
      return answerRemoval(c, cluster, { member: c.req.param('member') ?? '' }, dryRun)
    },
  )
}
