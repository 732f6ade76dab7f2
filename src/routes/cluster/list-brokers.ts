import { z } from 'zod'
import type { Deps } from '../../deps.ts'
import { listBrokers } from '../../kafka/admin/cluster/brokers.ts'
import { addRoute, type App, kafkaProblems, parseQuery, problemResponses } from '../route.ts'
import { Broker, exampleBroker } from './broker-document.ts'
import { Unanswered } from './node-id.ts'

const BrokerList = z
  .strictObject({ brokers: z.array(Broker), unanswered: Unanswered })
  .meta({ id: 'BrokerList', example: { brokers: [exampleBroker], unanswered: [] } })

const Query = z.strictObject({})

export function registerListBrokers(app: App, { cluster }: Pick<Deps, 'cluster'>): void {
  addRoute(
    app,
    {
      operationId: 'listBrokers',
      access: { cluster: 'describe' },
      method: 'get',
      path: '/v1/brokers',
      tags: ['Cluster'],
      summary: 'List the brokers',
      description:
        'Sorted by node id, all at once. A broker that is stopped holds nothing up: it is listed as the others know it, and named in `unanswered`.',
      responses: {
        200: { description: 'The brokers.', content: { 'application/json': { schema: BrokerList } } },
        ...problemResponses(...kafkaProblems, 'invalid_parameter', 'not_acceptable'),
      },
    },
    async (c) => {
      parseQuery(Query, c)
      const list = await listBrokers(cluster)
      const document: z.input<typeof BrokerList> = {
        brokers: [...list.brokers],
        unanswered: [...list.unanswered],
      }
      return c.json(document)
    },
  )
}
