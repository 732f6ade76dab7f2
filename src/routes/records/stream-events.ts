import { z } from '@hono/zod-openapi'
import { ProblemCodes } from '../route.ts'
import { exampleRecord, ReadRecord } from './read-schemas.ts'

/** One kind of server-sent event: what its data is, as JSON in one line. */
export interface StreamEventKind {
  readonly summary: string
  readonly data: z.ZodType
  readonly example: unknown
}

const offset = z.int().min(0)
const bounds = z.object({ earliest: offset, latest: offset })

/** The events of a stream by name; `message` is one without. They are written by event-lines.ts; tests hold it to this. */
export const streamEvents: Readonly<Record<string, StreamEventKind>> = {
  message: {
    summary: 'A record. Its id is the cursor after it.',
    data: ReadRecord,
    example: exampleRecord,
  },
  caughtUp: {
    summary: 'Everything that there was at the start has been sent.',
    data: z.strictObject({}),
    example: {},
  },
  problem: {
    summary:
      'Something went wrong. Where a position is lost reading goes on at the earliest there is, if at all.',
    data: z.looseObject({
      code: ProblemCodes,
      title: z.string(),
      detail: z.string(),
      retryable: z.boolean(),
      instance: z.string().describe('The request id, as in the log.'),
      topic: z.string().optional(),
      partition: z.int().optional(),
      bounds: bounds.optional().describe('Between which the partition has records now.'),
    }),
    example: {
      code: 'position_lost',
      title: 'The position no longer exists',
      detail: 'orders, partition 2: its records at this position were removed.',
      retryable: false,
      instance: '5b1c6a9e-0d0f-4a63-9f0e-3a1f1c1f5d7b',
      topic: 'orders',
      partition: 2,
      bounds: { earliest: 4711, latest: 9042 },
    },
  },
  draining: {
    summary: 'The gateway shuts down within so many ms: the stream ends, and goes on elsewhere.',
    data: z.strictObject({ deadlineMs: z.int() }),
    example: { deadlineMs: 10_000 },
  },
  end: {
    summary: 'Everything asked for has been sent: the stream ends.',
    data: z.strictObject({ reason: z.enum(['until', 'limit']) }),
    example: { reason: 'until' },
  },
}
