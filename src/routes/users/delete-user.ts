import { z } from 'zod'
import type { Deps } from '../../deps.ts'
import { deleteUser } from '../../kafka/admin/users/delete-user.ts'
import { addRoute, type App, parseQuery, problemResponses } from '../route.ts'
import { Mechanism, UserName, userParam } from './user-schemas.ts'

const Query = z.strictObject({
  mechanism: Mechanism.optional().describe('Only the password of this one; those of all where left out.'),
})

export function registerDeleteUser(app: App, { cluster }: Pick<Deps, 'cluster'>): void {
  addRoute(
    app,
    {
      operationId: 'deleteUser',
      method: 'delete',
      path: '/v1/users/{user}',
      tags: ['Access'],
      summary: "Delete a SCRAM user, or one of a user's passwords",
      description:
        'The password is refused from then on; who is logged in stays so until Kafka asks again (`connections.max.reauth.ms`). ACLs and quotas of the user stay. After a 503 ask again, and take a 404 for done.',
      request: { params: z.object({ user: UserName }), query: Query },
      responses: {
        204: { description: 'It is gone.' },
        ...problemResponses(
          'kafka_authorization',
          'user_not_found',
          'invalid_parameter',
          'kafka_auth_failed',
          'kafka_unavailable',
        ),
      },
    },
    async (c) => {
      const { mechanism } = parseQuery(Query, c)
      await deleteUser(cluster, userParam(c), mechanism)
      return c.body(null, 204)
    },
  )
}
