import { z } from 'zod'
import type { Deps } from '../../deps.ts'
import { describeTransactionalId } from '../../kafka/admin/transactions/transactional-ids.ts'
import { addRoute, type App, kafkaProblems, parseQuery, problemResponses } from '../route.ts'
import {
  TransactionalId,
  TransactionalIdName,
  transactionalIdParam,
  toTransactionalId,
} from './transactional-id-schemas.ts'

const NoQuery = z.strictObject({})

export function registerDescribeTransactionalId(app: App, { cluster }: Pick<Deps, 'cluster'>): void {
  addRoute(
    app,
    {
      operationId: 'describeTransactionalId',
      access: { cluster: 'admin' },
      method: 'get',
      path: '/v1/transactional-ids/{transactionalId}',
      tags: ['Cluster'],
      summary: 'Describe a transactional id, and the transaction that is open',
      request: { params: z.object({ transactionalId: TransactionalIdName }) },
      responses: {
        200: {
          description: 'What its coordinator says.',
          content: { 'application/json': { schema: TransactionalId } },
        },
        ...problemResponses(...kafkaProblems, 'transactional_id_not_found', 'invalid_parameter'),
      },
    },
    async (c) => {
      parseQuery(NoQuery, c)
      return c.json(toTransactionalId(await describeTransactionalId(cluster, transactionalIdParam(c))))
    },
  )
}
