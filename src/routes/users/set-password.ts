import { z } from 'zod'
import type { Deps } from '../../deps.ts'
import { MAX_ITERATIONS, MIN_ITERATIONS } from '../../kafka/admin/users/scram.ts'
import { setPassword } from '../../kafka/admin/users/set-password.ts'
import { readJson } from '../body.ts'
import {
  addRoute,
  type App,
  checkBody,
  jsonBodyProblems,
  kafkaProblems,
  parseQuery,
  problemResponses,
} from '../route.ts'
import { Mechanism, User, UserName, userParam } from './user-schemas.ts'

/** Characters, so that nobody has the gateway hash megabytes. */
const MAX_PASSWORD_LENGTH = 1_024

const NewPassword = z
  .strictObject({
    mechanism: Mechanism,
    password: z
      .string()
      .min(1)
      .max(MAX_PASSWORD_LENGTH)
      .describe('Salted and hashed by the gateway: Kafka and the log never see it.'),
    iterations: z
      .int()
      .min(MIN_ITERATIONS)
      .max(MAX_ITERATIONS)
      .default(MIN_ITERATIONS)
      .describe('How often it is hashed: who steals the hash needs so much longer for each guess.'),
  })
  .meta({
    id: 'NewPassword',
    example: { mechanism: 'SCRAM-SHA-512', password: 'correct horse battery staple', iterations: 8_192 },
  })

const NoQuery = z.strictObject({})

export function registerSetPassword(app: App, { cluster, config }: Pick<Deps, 'cluster' | 'config'>): void {
  const content = { 'application/json': { schema: User } }
  addRoute(
    app,
    {
      operationId: 'setPassword',
      access: { cluster: 'admin' },
      method: 'put',
      path: '/v1/users/{user}',
      tags: ['Access'],
      summary: "Make a SCRAM user, or change a user's password",
      description:
        'Sets the password for one mechanism; that for another stays. The former one is refused from then on, and who is logged in stays so until Kafka asks again (`connections.max.reauth.ms`).',
      request: {
        params: z.object({ user: UserName }),
        body: { required: true, content: { 'application/json': { schema: NewPassword } } },
      },
      responses: {
        200: { description: 'The user, who was there before.', content },
        201: { description: 'The user, who is new.', content },
        ...problemResponses(...kafkaProblems, ...jsonBodyProblems, 'invalid_parameter'),
      },
    },
    async (c) => {
      parseQuery(NoQuery, c)
      const name = userParam(c)
      const { password, ...credential } = checkBody(NewPassword, await readJson(c, config.limits))
      const { user, existed } = await setPassword(cluster, name, credential, password)
      return c.json(user, existed ? 200 : 201)
    },
  )
}
