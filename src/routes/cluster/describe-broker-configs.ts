import { z } from 'zod'
import type { Deps } from '../../deps.ts'
import { addRoute, type App, problemResponses } from '../route.ts'
import { answerConfigs, ConfigList, etagHeader, readProblems, ReadQuery } from './broker-configs.ts'
import { brokerParam, NodeId } from './node-id.ts'

export function registerDescribeBrokerConfigs(app: App, deps: Pick<Deps, 'cluster'>): void {
  addRoute(
    app,
    {
      operationId: 'describeBrokerConfigs',
      method: 'get',
      path: '/v1/brokers/{broker}/configs',
      tags: ['Cluster'],
      summary: "Read a broker's configs",
      description: 'All that are in force at it, with where each value comes from and what it hides.',
      request: { params: z.object({ broker: NodeId }), query: ReadQuery },
      responses: {
        200: {
          description: 'The configs.',
          headers: etagHeader,
          content: { 'application/json': { schema: ConfigList } },
        },
        ...problemResponses('broker_not_found', 'broker_unavailable', ...readProblems),
      },
    },
    (c) => answerConfigs(c, deps, brokerParam(c)),
  )
}
