import { z } from '@hono/zod-openapi'
import { MAX_SEQUENCE } from '../../kafka/producers/sequence-rules.ts'

const sequence = z.int().min(0)

export const NewProducer = z
  .strictObject({
    partition: z
      .int()
      .min(0)
      .max(0x7fffffff)
      .optional()
      .describe('The one partition it writes to; any where left out.'),
  })
  .openapi('NewProducer', { example: { partition: 0 } })

export const Producer = z
  .strictObject({
    producer: z.string().describe('Opaque. Whoever has it may write as this producer.'),
    partition: z.int().min(0),
    nextSequence: sequence.describe('The sequence number of the first record to write.'),
  })
  .openapi('Producer', {
    example: {
      producer: 'AQAAAAAAAAfQAAAAAAAAAaMe1u9Iw0oiW1xQSp-hDRAJbkQLXk5aHhq8R8MsAzLbS8C0',
      partition: 2,
      nextSequence: 0,
    },
  })

export const Sequence = z
  .int()
  .min(0)
  .max(MAX_SEQUENCE)
  .describe('The sequence number of the first record of the body; each record has one.')

export const ProducedOnce = z
  .strictObject({
    partition: z.int().min(0),
    offset: z.int().min(0).describe('Of the first record; the others follow without a gap.'),
    timestamp: z
      .int()
      .optional()
      .describe(
        'Of the first record, milliseconds since the epoch, as stored; missing where it is gone by now.',
      ),
    nextSequence: sequence.describe('The sequence number of the next record to write.'),
    duplicate: z.boolean().describe('The records were there before this request.'),
  })
  .openapi('ProducedOnce', {
    example: { partition: 2, offset: 4711, timestamp: 1795466320013, nextSequence: 18, duplicate: false },
  })
