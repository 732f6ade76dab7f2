import { z } from 'zod'
import { OutgoingRecordBody, RecordPosition } from '../records/produce-schemas.ts'
import { TopicName } from '../route.ts'

const offset = 'expected an integer from 0 to 9007199254740991'
const partition = 'expected an integer from 0 to 2147483647'

const ResumeOffset = z.strictObject({
  topic: TopicName,
  partition: z.int(partition).min(0, partition).max(0x7fffffff, partition),
  offset: z
    .int(offset)
    .min(0, offset)
    .describe(
      'Where the group resumes: the offset of the next record to read, not of the last one processed.',
    ),
  metadata: z.string().max(4_096).optional().describe('Any text to keep with the offset.'),
})

export const GroupOffsets = z
  .strictObject({
    group: z.string().min(1).max(255).describe('The consumer group whose offsets are committed.'),
    offsets: z.array(ResumeOffset).min(1),
  })
  .meta({ id: 'GroupOffsets' })

/** The members beside `records`, which produce-body.ts reads. */
export const TransactionMembers = z.strictObject({
  offsets: GroupOffsets.nullish().describe("A group's offsets, committed together with the records."),
  timeoutMs: z
    .int()
    .min(100)
    .nullish()
    .describe(
      'Milliseconds within which the answer comes; at most, and by default, SLUICE_PRODUCE_TIMEOUT_MS.',
    ),
  id: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, 'expected 1 to 64 of A-Z a-z 0-9 _ -')
    .nullish()
    .describe(
      'A name of your own, a UUID for instance: the same request with the same id commits once, however often sent.',
    ),
})

const TransactionRecord = z.strictObject({ topic: TopicName, ...OutgoingRecordBody.shape }).meta({
  id: 'TransactionRecord',
  required: ['topic', 'value'],
  example: { topic: 'orders', key: 'order-17', value: { total: 12.5 } },
})

export const TransactionBody = TransactionMembers.extend({
  records: z.array(TransactionRecord).optional(),
}).meta({
  id: 'Transaction',
  example: {
    records: [
      { topic: 'orders', key: 'order-17', value: { state: 'paid' } },
      { topic: 'invoices', key: 'order-17', value: { total: 12.5 } },
    ],
    offsets: { group: 'billing', offsets: [{ topic: 'payments', partition: 0, offset: 42 }] },
  },
})

const transaction = z
  .string()
  .describe(
    'Names the transaction, for `GET /v1/transactions/{transaction}` at any replica: its `id`, or an opaque text.',
  )

export const TransactionCommitted = z
  .strictObject({
    transaction,
    state: z.literal('committed'),
    duplicate: z
      .boolean()
      .describe('An earlier request with this `id` was committed; this one changed nothing.'),
    results: z
      .array(z.strictObject({ topic: TopicName, ...RecordPosition.shape }))
      .nullable()
      .describe('Where each record is, in the order sent; null for a duplicate of more than is remembered.'),
  })
  .meta({
    id: 'TransactionCommitted',
    example: {
      transaction: 'sluice-4kq2w9x1pz-0.7.3.c',
      state: 'committed',
      duplicate: false,
      results: [
        { topic: 'orders', partition: 2, offset: 4711, timestamp: 1795466320013 },
        { topic: 'invoices', partition: 0, offset: 815, timestamp: 1795466320013 },
      ],
    },
  })

export const TransactionStatus = z
  .strictObject({
    transaction,
    state: z
      .enum(['committed', 'aborted', 'ongoing', 'notCommitted'])
      .describe(
        '`committed` and `aborted` are final. `ongoing` becomes one of the others when its time is up. `notCommitted`, of an `id`: no request with it has been committed so far.',
      ),
  })
  .meta({
    id: 'TransactionStatus',
    example: { transaction: 'sluice-4kq2w9x1pz-0.7.3.2', state: 'committed' },
  })
