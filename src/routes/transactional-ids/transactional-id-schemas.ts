import { z } from 'zod'
import { transactionStates } from '../../kafka/admin/transactions/transaction-states.ts'
import type { TransactionalIdDescription } from '../../kafka/admin/transactions/transactional-ids.ts'
import type { AppContext } from '../route.ts'

export const TransactionalIdName = z
  .string()
  .meta({ description: 'Any text, percent-encoded in a path.', example: 'orders-billing-0' })

const State = z.enum([...transactionStates, 'Unknown']).meta({
  id: 'TransactionalIdState',
  description:
    "Kafka's own name: `Ongoing` has a transaction open, `Prepare...` is ending one, `Complete...` and `Empty` have none.",
})

export const producerId = z.int().min(-1).describe('What Kafka calls its producer by; -1 for none.')

const summary = {
  transactionalId: TransactionalIdName,
  state: State,
  producerId,
  coordinator: z.int().describe('Node id of the broker that keeps it.'),
  gateway: z.boolean().describe("Whether it is one of the gateways' own, behind POST /v1/transactions."),
}
const example = {
  transactionalId: 'orders-billing-0',
  state: 'Ongoing',
  producerId: 4_002,
  coordinator: 2,
  gateway: false,
} as const

export const TransactionalIdSummary = z.strictObject(summary).meta({ id: 'TransactionalIdSummary', example })

const described = {
  ...summary,
  producerEpoch: z.int().describe('Raised when the producer is fenced.'),
  timeoutMs: z.int().describe('After which Kafka aborts a transaction by itself.'),
  startTimestamp: z
    .int()
    .nullable()
    .describe('When the open transaction began, milliseconds since the epoch; null where none is open.'),
  partitions: z
    .array(z.strictObject({ topic: z.string(), partition: z.int().nonnegative() }))
    .describe('Those that the open transaction has written to.'),
}
const exampleInFull = {
  ...example,
  producerEpoch: 3,
  timeoutMs: 60_000,
  startTimestamp: 1_795_466_320_013,
  partitions: [{ topic: 'orders', partition: 2 }],
}

export const TransactionalId = z
  .strictObject(described)
  .meta({ id: 'TransactionalId', example: exampleInFull })

export const AbortedTransaction = z
  .strictObject({
    ...described,
    aborted: z
      .boolean()
      .describe(
        'Whether a transaction was open, and was aborted, or would be. The other members are as before.',
      ),
    dryRun: z.boolean(),
  })
  .meta({ id: 'AbortedTransaction', example: { ...exampleInFull, aborted: true, dryRun: false } })

export function toTransactionalId(description: TransactionalIdDescription): z.input<typeof TransactionalId> {
  return { ...description, partitions: [...description.partitions] }
}

/** The `{transactionalId}` of the path, percent-decoded once. */
export function transactionalIdParam(c: AppContext): string {
  return c.req.param('transactionalId') ?? ''
}
