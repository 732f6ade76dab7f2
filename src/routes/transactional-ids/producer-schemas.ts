import { z } from 'zod'
import { producerId } from './transactional-id-schemas.ts'

const producer = {
  producerId,
  producerEpoch: z.int(),
  lastSequence: z.int().nullable().describe('Of its last record; null where Kafka remembers none.'),
  lastTimestamp: z
    .int()
    .nullable()
    .describe('Of its last record, milliseconds since the epoch; null where Kafka remembers none.'),
  coordinatorEpoch: z
    .int()
    .nullable()
    .describe('Of the coordinator that ended its last transaction here; null where none did.'),
  transactionStartOffset: z
    .int()
    .nullable()
    .describe('Where its open transaction begins; null where none is open.'),
}
export const exampleProducer = {
  producerId: 4_002,
  producerEpoch: 3,
  lastSequence: 41,
  lastTimestamp: 1_795_466_320_013,
  coordinatorEpoch: 1,
  transactionStartOffset: 4_711,
}

export const PartitionProducer = z
  .strictObject(producer)
  .meta({ id: 'PartitionProducer', example: exampleProducer })

const place = { topic: z.string(), partition: z.int().nonnegative() }

export const HangingTransaction = z
  .strictObject({
    ...place,
    ...producer,
    transactionalId: z
      .string()
      .nullable()
      .describe('Under which the producer is known; null where no coordinator knows it.'),
  })
  .meta({
    id: 'HangingTransaction',
    example: { topic: 'orders', partition: 2, ...exampleProducer, transactionalId: null },
  })

export const AbortedHanging = z.strictObject({ ...place, ...producer, dryRun: z.boolean() }).meta({
  id: 'AbortedHanging',
  description: 'The transaction as it was found.',
  example: { topic: 'orders', partition: 2, ...exampleProducer, dryRun: false },
})

export const HangingKey = z
  .strictObject({
    producerId: z.int().nonnegative(),
    producerEpoch: z
      .int()
      .min(0)
      .max(32_767)
      .optional()
      .describe('Where given, its transaction is only aborted if it has this epoch.'),
    dryRun: z.boolean().default(false).describe('Only say what would be aborted.'),
  })
  .meta({ id: 'HangingKey', example: { producerId: 4_002, producerEpoch: 3 } })
