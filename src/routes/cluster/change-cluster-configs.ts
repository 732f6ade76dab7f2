import type { Deps } from '../../deps.ts'
import { addRoute, type App, problemResponses } from '../route.ts'
import {
  ChangedConfigs,
  changeConfigs,
  changeProblems,
  ConfigPatch,
  ifMatchHeader,
} from './broker-configs.ts'

export function registerChangeClusterConfigs(app: App, deps: Pick<Deps, 'cluster' | 'config'>): void {
  addRoute(
    app,
    {
      operationId: 'changeClusterConfigs',
      method: 'patch',
      path: '/v1/cluster/configs',
      tags: ['Cluster'],
      summary: 'Change configs of all brokers while they run',
      description:
        'Changes the configs that are named and no others, all or none, for every broker that has no value of its own; Kafka keeps them, for brokers that start later too. Answers once the brokers that are up have them. Safe to repeat.',
      request: {
        headers: ifMatchHeader,
        body: { required: true, content: { 'application/json': { schema: ConfigPatch } } },
      },
      responses: {
        200: {
          description: 'The configs that were named.',
          content: { 'application/json': { schema: ChangedConfigs } },
        },
        ...problemResponses('broker_unavailable', ...changeProblems),
      },
    },
    (c) => changeConfigs(c, deps, undefined),
  )
}
