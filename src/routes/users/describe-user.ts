import { z } from 'zod'
import type { Deps } from '../../deps.ts'
import { describeUser } from '../../kafka/admin/users/list-users.ts'
import { addRoute, type App, kafkaProblems, parseQuery, problemResponses } from '../route.ts'
import { User, UserName, userParam } from './user-schemas.ts'

const NoQuery = z.strictObject({})

export function registerDescribeUser(app: App, { cluster }: Pick<Deps, 'cluster'>): void {
  addRoute(
    app,
    {
      operationId: 'describeUser',
      access: { cluster: 'admin' },
      method: 'get',
      path: '/v1/users/{user}',
      tags: ['Access'],
      summary: 'Describe a SCRAM user',
      request: { params: z.object({ user: UserName }) },
      responses: {
        200: { description: 'The user.', content: { 'application/json': { schema: User } } },
        ...problemResponses(...kafkaProblems, 'user_not_found', 'invalid_parameter'),
      },
    },
    async (c) => {
      parseQuery(NoQuery, c)
      return c.json(await describeUser(cluster, userParam(c)))
    },
  )
}
