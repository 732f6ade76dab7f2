import { z } from '@hono/zod-openapi'
import { problems, type ProblemCode } from '../../problem.ts'

const content = z.unknown().openapi({
  description: 'Text where it is a JSON string, null where it is null, else its JSON text, byte for byte.',
})
const encoding = z
  .literal('base64')
  .nullish()
  .openapi({ description: 'The member is a base64 string (RFC 4648, section 4, with padding).' })

const HeaderList = z.array(
  z.strictObject({
    name: z.string(),
    value: z.string().nullable(),
    encoding: z.literal('base64').nullish(),
  }),
)

/** How a JSON record is documented. produce-body.ts reads it without this schema; a test holds the two together. */
export const OutgoingRecordBody = z
  .strictObject({
    key: content.optional(),
    value: content,
    headers: z
      .union([z.record(z.string(), z.string().nullable()), HeaderList])
      .nullish()
      .openapi({ description: 'An object of texts; or a list, for duplicates, order and bytes.' }),
    partition: z.int().min(0).max(0x7fffffff).nullish(),
    timestamp: z
      .int()
      .min(0)
      .max(Number.MAX_SAFE_INTEGER)
      .nullish()
      .openapi({ description: 'Milliseconds since the epoch; now, where left out.' }),
    keyEncoding: encoding,
    valueEncoding: encoding,
  })
  .openapi('OutgoingRecord', {
    required: ['value'],
    example: { key: 'order-17', value: { total: 12.5 }, headers: { source: 'web' } },
  })

export const ProduceBatchBody = z
  .strictObject({ records: z.array(OutgoingRecordBody).min(1) })
  .openapi('ProduceBatch', {
    example: {
      records: [
        { key: 'a', value: 1 },
        { key: 'b', value: null },
      ],
    },
  })

export const RecordPosition = z
  .strictObject({
    partition: z.int().min(0),
    offset: z.int().min(0).nullable().openapi({
      description: 'Null where Kafka confirmed the record without saying where it is, after a retry.',
    }),
    timestamp: z.int().openapi({ description: 'Milliseconds since the epoch, as stored.' }),
  })
  .openapi('RecordPosition', { example: { partition: 2, offset: 4711, timestamp: 1795466320013 } })

export const RecordError = z
  .strictObject({
    error: z.strictObject({
      code: z.enum(Object.keys(problems) as [ProblemCode, ...ProblemCode[]]),
      title: z.string(),
      detail: z.string(),
      retryable: z.boolean(),
      outcome: z.enum(['not_written', 'unknown']),
    }),
  })
  .openapi('RecordError')

export const ProduceResults = z
  .strictObject({
    results: z.array(z.union([RecordPosition, RecordError])).openapi({ description: 'In the order sent.' }),
  })
  .openapi('ProduceResults')
