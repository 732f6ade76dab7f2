import { z } from 'zod'
import type { Deps } from '../../deps.ts'
import { listUsers } from '../../kafka/admin/users/list-users.ts'
import { Next, pageOf, pageParameters } from '../page.ts'
import { addRoute, type App, kafkaProblems, parseQuery, problemResponses } from '../route.ts'
import { User } from './user-schemas.ts'

const UserList = z.strictObject({ users: z.array(User), next: Next }).meta({
  id: 'UserList',
  example: {
    users: [{ user: 'alice', credentials: [{ mechanism: 'SCRAM-SHA-512', iterations: 4_096 }] }],
    next: null,
  },
})

const Query = z.strictObject(pageParameters)

export function registerListUsers(app: App, { cluster }: Pick<Deps, 'cluster'>): void {
  addRoute(
    app,
    {
      operationId: 'listUsers',
      access: { cluster: 'admin' },
      method: 'get',
      path: '/v1/users',
      tags: ['Access'],
      summary: 'List the SCRAM users',
      description:
        'Those whose passwords Kafka keeps, sorted by name, with the mechanisms they can log in by.',
      request: { query: Query },
      responses: {
        200: { description: 'The users.', content: { 'application/json': { schema: UserList } } },
        ...problemResponses(...kafkaProblems, 'invalid_parameter'),
      },
    },
    async (c) => {
      const paging = parseQuery(Query, c)
      const { page, next } = pageOf(await listUsers(cluster), ({ user }) => user, paging)
      const users = page.map(({ user, credentials }) => ({ user, credentials: [...credentials] }))
      const document: z.input<typeof UserList> = { users, next }
      return c.json(document)
    },
  )
}
