import { z } from 'zod'
import type { Deps } from '../../deps.ts'
import { abortTransaction } from '../../kafka/admin/transactions/abort-transaction.ts'
import { flag } from '../parameters.ts'
import { addRoute, type App, kafkaProblems, parseQuery, problemResponses } from '../route.ts'
import {
  AbortedTransaction,
  TransactionalIdName,
  transactionalIdParam,
  toTransactionalId,
} from './transactional-id-schemas.ts'

const Query = z.strictObject({ dryRun: flag('Only say what would be aborted.') })

export function registerAbortTransaction(app: App, { cluster }: Pick<Deps, 'cluster'>): void {
  addRoute(
    app,
    {
      operationId: 'abortTransaction',
      access: { cluster: 'admin' },
      method: 'delete',
      path: '/v1/transactional-ids/{transactionalId}',
      tags: ['Cluster'],
      summary: 'Abort the transaction that is open under a transactional id',
      description:
        'Fences its producer, whose next call fails, and aborts what it wrote. Where no transaction is open nothing is done, so that the request may be repeated. Kafka keeps the id itself until it is unused for a week.',
      request: { params: z.object({ transactionalId: TransactionalIdName }), query: Query },
      responses: {
        200: {
          description: 'What was found, and whether it was aborted.',
          content: { 'application/json': { schema: AbortedTransaction } },
        },
        ...problemResponses(...kafkaProblems, 'transactional_id_not_found', 'invalid_parameter'),
      },
    },
    async (c) => {
      const { dryRun } = parseQuery(Query, c)
      const { found, aborted } = await abortTransaction(cluster, transactionalIdParam(c), dryRun)
      if (dryRun) c.env.outgoing.outcome = 'validated'
      const document: z.input<typeof AbortedTransaction> = { ...toTransactionalId(found), aborted, dryRun }
      return c.json(document)
    },
  )
}
