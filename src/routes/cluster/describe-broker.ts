import { z } from 'zod'
import type { Deps } from '../../deps.ts'
import { describeBroker } from '../../kafka/admin/cluster/brokers.ts'
import { addRoute, type App, kafkaProblems, parseQuery, problemResponses } from '../route.ts'
import { Broker } from './broker-document.ts'
import { brokerParam, NodeId } from './node-id.ts'

const Query = z.strictObject({})

export function registerDescribeBroker(app: App, { cluster }: Pick<Deps, 'cluster'>): void {
  addRoute(
    app,
    {
      operationId: 'describeBroker',
      access: { cluster: 'describe' },
      method: 'get',
      path: '/v1/brokers/{broker}',
      tags: ['Cluster'],
      summary: 'Describe a broker',
      request: { params: z.object({ broker: NodeId }) },
      responses: {
        200: { description: 'The broker.', content: { 'application/json': { schema: Broker } } },
        ...problemResponses(...kafkaProblems, 'broker_not_found', 'invalid_parameter', 'not_acceptable'),
      },
    },
    async (c) => {
      parseQuery(Query, c)
      return c.json((await describeBroker(cluster, brokerParam(c))) satisfies z.input<typeof Broker>)
    },
  )
}
