import { z } from 'zod'
import type { Deps } from '../../deps.ts'
import { findHanging } from '../../kafka/admin/transactions/hanging-transactions.ts'
import { whole } from '../parameters.ts'
import {
  addRoute,
  type App,
  checkTopicName,
  kafkaProblems,
  parseQuery,
  problemResponses,
  TopicName,
} from '../route.ts'
import { exampleProducer, HangingTransaction } from './producer-schemas.ts'

/** The brokers' `transaction.max.timeout.ms` by default: no transaction that is looked after is older. */
const DEFAULT_AGE_MS = 900_000

const HangingTransactions = z
  .strictObject({
    transactions: z.array(HangingTransaction),
    unanswered: z
      .array(z.int())
      .describe('Node ids of the brokers that did not say what is open in the partitions they lead.'),
  })
  .meta({
    id: 'HangingTransactions',
    example: {
      transactions: [{ topic: 'orders', partition: 2, ...exampleProducer, transactionalId: null }],
      unanswered: [],
    },
  })

const Query = z.strictObject({
  topic: TopicName.optional().describe('Look there alone; in every topic where left out.'),
  olderThanMs: whole(0, Number.MAX_SAFE_INTEGER).default(DEFAULT_AGE_MS).openapi({
    description:
      "Only those whose last record is so old, ms; by default as old as the brokers' `transaction.max.timeout.ms` lets one become by default.",
    default: DEFAULT_AGE_MS,
  }),
})

export function registerListHanging(app: App, { cluster }: Pick<Deps, 'cluster'>): void {
  addRoute(
    app,
    {
      operationId: 'listHangingTransactions',
      access: { cluster: 'admin' },
      method: 'get',
      path: '/v1/hanging-transactions',
      tags: ['Cluster'],
      summary: 'Find hanging transactions',
      description:
        'Transactions that are open in a partition although no coordinator knows of it (KIP-664), so that nobody will ever end them: readers with `isolation=read_committed` wait there for ever. `POST /v1/topics/{topic}/partitions/{partition}/abort` ends one.',
      request: { query: Query },
      responses: {
        200: {
          description: 'By topic, partition and producer.',
          content: { 'application/json': { schema: HangingTransactions } },
        },
        ...problemResponses(
          ...kafkaProblems,
          'internal_topic',
          'topic_not_found',
          'invalid_topic_name',
          'invalid_parameter',
        ),
      },
    },
    async (c) => {
      const { topic, olderThanMs } = parseQuery(Query, c)
      const name = topic === undefined ? undefined : checkTopicName(topic)
      const { transactions, unanswered } = await findHanging(cluster, name, olderThanMs)
      const document: z.input<typeof HangingTransactions> = {
        transactions: transactions.map(({ producer, ...transaction }) => ({ ...transaction, ...producer })),
        unanswered: [...unanswered],
      }
      return c.json(document)
    },
  )
}
