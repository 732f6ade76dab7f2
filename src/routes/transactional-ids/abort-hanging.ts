import { z } from 'zod'
import type { Deps } from '../../deps.ts'
import { abortHanging } from '../../kafka/admin/transactions/abort-hanging.ts'
import { readJson } from '../body.ts'
import {
  addRoute,
  type App,
  checkBody,
  jsonBodyProblems,
  kafkaProblems,
  parseQuery,
  partitionParam,
  problemResponses,
  TopicName,
  topicParam,
} from '../route.ts'
import { AbortedHanging, HangingKey } from './producer-schemas.ts'

const NoQuery = z.strictObject({})

export function registerAbortHanging(app: App, { cluster, config }: Pick<Deps, 'cluster' | 'config'>): void {
  addRoute(
    app,
    {
      operationId: 'abortHanging',
      access: { cluster: 'admin' },
      method: 'post',
      path: '/v1/topics/{topic}/partitions/{partition}/abort',
      tags: ['Cluster'],
      summary: 'Abort a hanging transaction in one partition',
      description:
        'One that `GET /v1/hanging-transactions` lists: it is open in the partition, and no coordinator will ever end it (KIP-664). Any other is refused. After a 503 it may have been aborted or not: ask again, and take a 404 for done.',
      request: {
        params: z.object({ topic: TopicName, partition: z.int().min(0).max(0x7fffffff) }),
        body: { required: true, content: { 'application/json': { schema: HangingKey } } },
      },
      responses: {
        200: {
          description: 'What was aborted, or would be.',
          content: { 'application/json': { schema: AbortedHanging } },
        },
        ...problemResponses(
          ...kafkaProblems,
          ...jsonBodyProblems,
          'internal_topic',
          'topic_not_found',
          'partition_not_found',
          'no_open_transaction',
          'transaction_not_hanging',
          'invalid_topic_name',
          'invalid_partition',
          'invalid_parameter',
        ),
      },
    },
    async (c) => {
      parseQuery(NoQuery, c)
      const [topic, partition] = [topicParam(c), partitionParam(c)]
      const { dryRun, ...key } = checkBody(HangingKey, await readJson(c, config.limits))
      const { producer } = await abortHanging(cluster, { topic, partition, ...key }, dryRun)
      if (dryRun) c.env.outgoing.outcome = 'validated'
      const document: z.input<typeof AbortedHanging> = { topic, partition, ...producer, dryRun }
      return c.json(document)
    },
  )
}
