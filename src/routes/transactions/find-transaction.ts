import { z } from 'zod'
import type { Deps } from '../../deps.ts'
import { isId } from '../../kafka/transactions/transactions.ts'
import { addRoute, type App, kafkaProblems, parseQuery, problemResponses } from '../route.ts'
import { TransactionStatus } from './transaction-schemas.ts'

const NoQuery = z.strictObject({})

export function registerFindTransaction(app: App, { transactions }: Pick<Deps, 'transactions'>): void {
  addRoute(
    app,
    {
      operationId: 'findTransaction',
      access: 'asked by the handler',
      method: 'get',
      path: '/v1/transactions/{transaction}',
      tags: ['Transactions'],
      summary: 'Find out what became of a transaction',
      description:
        'For a client that was not told, or with 504 that it is not known. Any replica can say. Kafka decides an `ongoing` one within its timeout, SLUICE_PRODUCE_TIMEOUT_MS and 5 seconds, and up to 10 more.',
      request: {
        params: z.object({
          transaction: z
            .string()
            .meta({ description: 'As an answer named it.', example: 'sluice-4kq2w9x1pz-0.7.3.c' }),
        }),
      },
      responses: {
        200: {
          description: 'What is known of it.',
          content: { 'application/json': { schema: TransactionStatus } },
        },
        ...problemResponses(...kafkaProblems, 'transaction_not_found', 'invalid_parameter'),
      },
    },
    async (c) => {
      parseQuery(NoQuery, c)
      const transaction = c.req.param('transaction') ?? ''
      const own = isId(transaction) ? app.guard.callerOf(c.env.incoming).ownName(transaction) : transaction
      return c.json({ transaction, state: await transactions.stateOf(own) }, 200)
    },
  )
}
