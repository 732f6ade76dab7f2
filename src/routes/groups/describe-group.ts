import { z } from 'zod'
import type { Deps } from '../../deps.ts'
import { describeGroup } from '../../kafka/admin/groups/describe-group.ts'
import { TIMEOUT_MS } from '../../kafka/admin/timeouts.ts'
import { Deadline } from '../../kafka/deadline.ts'
import { addRoute, type App, parseQuery, problemResponses } from '../route.ts'
import { Group, GroupId, groupParam, groupProblems, toGroupDocument } from './group-schemas.ts'

const Query = z.strictObject({})

export function registerDescribeGroup(app: App, { cluster }: Pick<Deps, 'cluster'>): void {
  addRoute(
    app,
    {
      operationId: 'describeGroup',
      method: 'get',
      path: '/v1/groups/{group}',
      tags: ['Groups'],
      summary: 'Describe a group',
      description: 'Its state, its members with what each of them reads, and the broker that keeps it.',
      request: { params: z.object({ group: GroupId }) },
      responses: {
        200: { description: 'The group.', content: { 'application/json': { schema: Group } } },
        ...problemResponses(...groupProblems),
      },
    },
    async (c) => {
      parseQuery(Query, c)
      const group = await describeGroup(cluster, groupParam(c), new Deadline(TIMEOUT_MS))
      return c.json(toGroupDocument(group))
    },
  )
}
