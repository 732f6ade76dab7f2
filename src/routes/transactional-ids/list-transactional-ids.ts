import { z } from 'zod'
import type { Deps } from '../../deps.ts'
import { transactionStates } from '../../kafka/admin/transactions/transaction-states.ts'
import { listTransactionalIds } from '../../kafka/admin/transactions/transactional-ids.ts'
import { Next, pageOf, pageParameters } from '../page.ts'
import { whole } from '../parameters.ts'
import { addRoute, type App, parseQuery, problemResponses } from '../route.ts'
import { TransactionalIdSummary } from './transactional-id-schemas.ts'

const TransactionalIdList = z
  .strictObject({
    transactionalIds: z.array(TransactionalIdSummary),
    next: Next,
    unanswered: z
      .array(z.int())
      .describe('Node ids of the brokers that did not say which they keep; those are missing.'),
  })
  .meta({
    id: 'TransactionalIdList',
    example: {
      transactionalIds: [
        {
          transactionalId: 'orders-billing-0',
          state: 'Ongoing',
          producerId: 4_002,
          coordinator: 2,
          gateway: false,
        },
      ],
      next: null,
      unanswered: [],
    },
  })

const Query = z.strictObject({
  state: z
    .array(z.enum(transactionStates))
    .optional()
    .describe('Only ids in this state; given several times, in one of them.'),
  producerId: whole(0, Number.MAX_SAFE_INTEGER)
    .optional()
    .openapi({ description: 'Only that of this producer.' }),
  longerThanMs: whole(0, Number.MAX_SAFE_INTEGER).optional().openapi({
    description: 'Only ids whose transaction has been open for longer, ms (Kafka 3.8 or newer).',
  }),
  prefix: z.string().optional().describe('Only ids that begin so.'),
  ...pageParameters,
})

export function registerListTransactionalIds(app: App, { cluster }: Pick<Deps, 'cluster'>): void {
  addRoute(
    app,
    {
      operationId: 'listTransactionalIds',
      access: { cluster: 'admin' },
      method: 'get',
      path: '/v1/transactional-ids',
      tags: ['Cluster'],
      summary: 'List the transactional ids, and what is under way',
      description:
        'Sorted. Every broker is asked for those it coordinates. Ids that the gateway may not see are left out.',
      request: { query: Query },
      responses: {
        200: {
          description: 'The transactional ids.',
          content: { 'application/json': { schema: TransactionalIdList } },
        },
        ...problemResponses('invalid_parameter', 'kafka_auth_failed', 'kafka_unavailable'),
      },
    },
    async (c) => {
      const { limit, after, state, producerId, ...filter } = parseQuery(Query, c, ['state'])
      const { transactionalIds, unanswered } = await listTransactionalIds(cluster, {
        ...filter,
        states: state,
        producerIds: producerId === undefined ? undefined : [producerId],
      })
      const { page, next } = pageOf(transactionalIds, (id) => id.transactionalId, { limit, after })
      const document: z.input<typeof TransactionalIdList> = {
        transactionalIds: page,
        next,
        unanswered: [...unanswered],
      }
      return c.json(document)
    },
  )
}
