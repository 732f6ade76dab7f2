import { z } from 'zod'
import type { Deps } from '../../deps.ts'
import { partitionProducers } from '../../kafka/admin/transactions/partition-producers.ts'
import {
  addRoute,
  type App,
  kafkaProblems,
  parseQuery,
  partitionParam,
  problemResponses,
  TopicName,
  topicParam,
} from '../route.ts'
import { exampleProducer, PartitionProducer } from './producer-schemas.ts'

const ProducerList = z
  .strictObject({ producers: z.array(PartitionProducer) })
  .meta({ id: 'ProducerList', example: { producers: [exampleProducer] } })

const NoQuery = z.strictObject({})

export function registerListProducers(app: App, { cluster }: Pick<Deps, 'cluster'>): void {
  addRoute(
    app,
    {
      operationId: 'listProducers',
      access: { topic: 'describe' },
      method: 'get',
      path: '/v1/topics/{topic}/partitions/{partition}/producers',
      tags: ['Cluster'],
      summary: 'List the producers that a partition remembers',
      description:
        'Those that are idempotent or transactional, by id, as the leader of the partition has them, with the transactions that are open there. Kafka forgets one that is idle for a day (`producer.id.expiration.ms`).',
      request: { params: z.object({ topic: TopicName, partition: z.int().min(0).max(0x7fffffff) }) },
      responses: {
        200: { description: 'The producers.', content: { 'application/json': { schema: ProducerList } } },
        ...problemResponses(
          ...kafkaProblems,
          'internal_topic',
          'topic_not_found',
          'partition_not_found',
          'invalid_topic_name',
          'invalid_partition',
          'invalid_parameter',
        ),
      },
    },
    async (c) => {
      parseQuery(NoQuery, c)
      return c.json({ producers: await partitionProducers(cluster, topicParam(c), partitionParam(c)) })
    },
  )
}
