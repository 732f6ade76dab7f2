import { z } from 'zod'
import type { Deps } from '../../deps.ts'
import { logDirsOfBroker } from '../../kafka/admin/cluster/log-dirs.ts'
import { addRoute, type App, kafkaProblems, problemResponses } from '../route.ts'
import { exampleLogDir, LogDir, Query, toLogDirDocuments, topicOf } from './log-dir-document.ts'
import { brokerParam, NodeId } from './node-id.ts'

const BrokerLogDirs = z
  .strictObject({ logDirs: z.array(LogDir) })
  .meta({ id: 'BrokerLogDirs', example: { logDirs: [exampleLogDir] } })

export function registerDescribeLogDirs(app: App, { cluster }: Pick<Deps, 'cluster'>): void {
  addRoute(
    app,
    {
      operationId: 'describeLogDirs',
      access: { cluster: 'describe' },
      method: 'get',
      path: '/v1/brokers/{broker}/log-dirs',
      tags: ['Cluster'],
      summary: "List a broker's log folders",
      description:
        'Only the broker itself can tell; `GET /v1/log-dirs` asks all at once and does without those that are stopped.',
      request: { params: z.object({ broker: NodeId }), query: Query },
      responses: {
        200: {
          description: 'The folders, by path.',
          content: { 'application/json': { schema: BrokerLogDirs } },
        },
        ...problemResponses(
          ...kafkaProblems,
          'broker_not_found',
          'broker_unavailable',
          'topic_not_found',
          'internal_topic',
          'invalid_parameter',
          'not_acceptable',
        ),
      },
    },
    async (c) => {
      const logDirs = await logDirsOfBroker(cluster, brokerParam(c), topicOf(c))
      const document: z.input<typeof BrokerLogDirs> = { logDirs: toLogDirDocuments(logDirs) }
      return c.json(document)
    },
  )
}
