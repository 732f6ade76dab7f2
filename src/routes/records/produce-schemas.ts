import { z } from '@hono/zod-openapi'
import { problems, type ProblemCode } from '../../problems/problems.ts'

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
    nameEncoding: z.literal('base64').nullish(),
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

const position = {
  partition: z.int().min(0),
  offset: z.int().min(0).nullable().openapi({
    description: 'Null where Kafka confirmed the record without saying where it is, after a retry.',
  }),
  timestamp: z.int().openapi({ description: 'Milliseconds since the epoch, as stored.' }),
}

export const RecordPosition = z
  .strictObject(position)
  .openapi('RecordPosition', { example: { partition: 2, offset: 4711, timestamp: 1795466320013 } })

const error = z.strictObject({
  code: z.enum(Object.keys(problems) as [ProblemCode, ...ProblemCode[]]),
  title: z.string(),
  detail: z.string(),
  retryable: z.boolean(),
  outcome: z.enum(['not_written', 'unknown']),
})

export const AcceptedRecords = z
  .strictObject({ accepted: z.int().min(1).openapi({ description: 'How many records.' }) })
  .openapi('AcceptedRecords')

export const RecordError = z.strictObject({ error }).openapi('RecordError')

export const ProduceResults = z
  .strictObject({
    results: z.array(z.union([RecordPosition, RecordError])).openapi({ description: 'In the order sent.' }),
  })
  .openapi('ProduceResults')

const index = z
  .int()
  .min(0)
  .openapi({ description: 'Which record of the stream, from 0. Empty lines are none.' })
const counts = { written: z.int().min(0), notWritten: z.int().min(0), unknown: z.int().min(0) }

/** A line of the answer to a stream. */
export const StreamLine = z
  .union([
    z.strictObject({ index, ...position }).openapi('StreamPosition', {
      example: { index: 0, partition: 2, offset: 4711, timestamp: 1795466320013 },
    }),
    z.strictObject({ index, error }).openapi('StreamError'),
    z
      .strictObject({ omitted: z.strictObject({ from: index, to: index, ...counts }) })
      .openapi('StreamOmitted', {
        description:
          'Stands for the results of the records `from` to `to`, which the client left unread for too long.',
      }),
    z
      .strictObject({
        error: error.optional(),
        summary: z.strictObject({ records: z.int().min(0), ...counts }),
      })
      .openapi('StreamSummary', {
        description:
          'The last line. With an `error` the stream was ended before its body; nothing after was written.',
        example: { summary: { records: 3, written: 3, notWritten: 0, unknown: 0 } },
      }),
  ])
  .openapi('StreamLine')
