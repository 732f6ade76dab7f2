import type { Deps } from '../../deps.ts'
import { addRoute, type App, problemResponses } from '../route.ts'
import { answerConfigs, ConfigList, etagHeader, readProblems, ReadQuery } from './broker-configs.ts'

export function registerDescribeClusterConfigs(app: App, deps: Pick<Deps, 'cluster'>): void {
  addRoute(
    app,
    {
      operationId: 'describeClusterConfigs',
      method: 'get',
      path: '/v1/cluster/configs',
      tags: ['Cluster'],
      summary: 'Read what is set for all brokers',
      description:
        'The configs that are set for all brokers while they run, and no others: `GET /v1/brokers/{broker}/configs` has those in force.',
      request: { query: ReadQuery },
      responses: {
        200: {
          description: 'The configs.',
          headers: etagHeader,
          content: { 'application/json': { schema: ConfigList } },
        },
        ...problemResponses(...readProblems),
      },
    },
    (c) => answerConfigs(c, deps, undefined),
  )
}
