import { z } from '@hono/zod-openapi'
import type { Deps } from '../../deps.ts'
import { readJson } from '../body.ts'
import {
  addRoute,
  type App,
  type AppContext,
  checkBody,
  jsonBodyProblems,
  kafkaProblems,
  parseQuery,
  problemResponses,
  TopicName,
  topicParam,
} from '../route.ts'
import { NewProducer, Producer } from './producer-schemas.ts'

const NoQuery = z.strictObject({})

export function registerOpenProducer(app: App, { config, producers }: Deps): void {
  addRoute(app, route, async (c) => {
    const topic = topicParam(c)
    parseQuery(NoQuery, c)
    const body = hasBody(c) ? await readJson(c, config.limits) : {}
    const { partition } = checkBody(NewProducer, body)
    const opened: z.input<typeof Producer> = await producers.open(
      topic,
      partition,
      app.guard.callerOf(c.env.incoming).owner,
    )
    return c.json(opened, 201)
  })
}

/** The one member of the body may be left out, so the body may be, too. */
function hasBody(c: AppContext): boolean {
  const { headers } = c.env.incoming
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

const route = {
  operationId: 'openProducer',
  access: { topic: 'produce' } as const,
  method: 'post' as const,
  path: '/v1/topics/{topic}/producers',
  tags: ['Records'],
  summary: 'Open an exactly-once producer',
  description: [
    'Gives out a producer for one partition, under which records are written with sequence numbers: see',
    'produceRecordsOnce. No gateway keeps it, and it needs no closing; Kafka remembers it while it writes. Open one for',
    'each writer that lives, not for each record.',
  ].join('\n'),
  request: {
    params: z.object({ topic: TopicName }),
    body: { required: false, content: { 'application/json': { schema: NewProducer } } },
  },
  responses: {
    201: { description: 'The producer.', content: { 'application/json': { schema: Producer } } },
    ...problemResponses(
      ...kafkaProblems,
      ...jsonBodyProblems,
      'internal_topic',
      'topic_not_found',
      'partition_not_found',
      'invalid_topic_name',
      'invalid_parameter',
    ),
  },
}
