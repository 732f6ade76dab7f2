import { z } from 'zod'
import type { Deps } from '../../deps.ts'
import { addRoute, type App, problemResponses } from '../route.ts'
import {
  ChangedConfigs,
  changeConfigs,
  changeProblems,
  ConfigPatch,
  ifMatchHeader,
} from './broker-configs.ts'
import { brokerParam, NodeId } from './node-id.ts'

export function registerChangeBrokerConfigs(app: App, deps: Pick<Deps, 'cluster' | 'config'>): void {
  addRoute(
    app,
    {
      operationId: 'changeBrokerConfigs',
      method: 'patch',
      path: '/v1/brokers/{broker}/configs',
      tags: ['Cluster'],
      summary: "Change a broker's configs while it runs",
      description:
        'Changes the configs that are named and no others, all or none; Kafka keeps them, so that they outlast a restart. Answers once the broker has them. Safe to repeat. A list that is not set on this broker is appended to as Kafka knows it by default, not as the file or the cluster has it.',
      request: {
        params: z.object({ broker: NodeId }),
        headers: ifMatchHeader,
        body: { required: true, content: { 'application/json': { schema: ConfigPatch } } },
      },
      responses: {
        200: {
          description: 'The configs that were named.',
          content: { 'application/json': { schema: ChangedConfigs } },
        },
        ...problemResponses('broker_not_found', 'broker_unavailable', ...changeProblems),
      },
    },
    (c) => changeConfigs(c, deps, brokerParam(c)),
  )
}
