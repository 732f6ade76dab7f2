import { z } from 'zod'
import type { Deps } from '../../deps.ts'
import { deleteUser, findDoomed } from '../../kafka/admin/users/delete-user.ts'
import { flag } from '../parameters.ts'
import { addRoute, type App, kafkaProblems, parseQuery, problemResponses } from '../route.ts'
import { Mechanism, User, UserName, userParam } from './user-schemas.ts'

const Query = z.strictObject({
  mechanism: Mechanism.optional().describe('Only the password of this one; those of all where left out.'),
  dryRun: flag('Only say what would be deleted. Nothing is.'),
})

const UserDeletion = z.strictObject({ ...User.shape, dryRun: z.literal(true) }).meta({
  id: 'UserDeletion',
  example: {
    user: 'alice',
    credentials: [{ mechanism: 'SCRAM-SHA-512', iterations: 4_096 }],
    dryRun: true,
  },
})

export function registerDeleteUser(app: App, { cluster }: Pick<Deps, 'cluster'>): void {
  addRoute(
    app,
    {
      operationId: 'deleteUser',
      access: { cluster: 'admin' },
      method: 'delete',
      path: '/v1/users/{user}',
      tags: ['Access'],
      summary: "Delete a SCRAM user, or one of a user's passwords",
      description:
        'The password is refused from then on; who is logged in stays so until Kafka asks again (`connections.max.reauth.ms`). ACLs and quotas of the user stay. After a 503 ask again, and take a 404 for done.',
      request: { params: z.object({ user: UserName }), query: Query },
      responses: {
        200: {
          description: 'What would be deleted: the answer to `dryRun`.',
          content: { 'application/json': { schema: UserDeletion } },
        },
        204: { description: 'It is gone.' },
        ...problemResponses(...kafkaProblems, 'user_not_found', 'invalid_parameter'),
      },
    },
    async (c) => {
      const { mechanism, dryRun } = parseQuery(Query, c)
      const name = userParam(c)
      if (dryRun) {
        const { user, credentials } = await findDoomed(cluster, name, mechanism)
        c.env.outgoing.outcome = 'validated'
        const document: z.input<typeof UserDeletion> = { user, credentials: [...credentials], dryRun }
        return c.json(document)
      }
      await deleteUser(cluster, name, mechanism)
      return c.body(null, 204)
    },
  )
}
