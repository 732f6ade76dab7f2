import type { Cluster } from '../../cluster.ts'
import type { Deadline } from '../../deadline.ts'
import { incrementalAlterConfigs } from '../../wire/config-apis.ts'
import { type Change, changeCluster } from '../controller-call.ts'
import { type ConfigChanges, toOperations } from './config-changes.ts'

export interface ConfigResource {
  /** TOPIC_RESOURCE, BROKER_RESOURCE. */
  readonly type: number
  readonly name: string
  /** The one broker that may take the change: Kafka has each check its own configs. */
  readonly at?: number
}

/** Kafka's answer. The message is for the log, and to find out which config it is about. */
export interface AlterConfigsAnswer {
  readonly errorCode: number
  readonly errorMessage: string | null
}

/**
 * Changes some configs of one resource, all or none. Repeating it changes nothing more: a set, a delete, an append and a
 * subtract are each the same twice.
 * @throws as changeCluster()
 */
export function alterConfigs(
  cluster: Cluster,
  { type, name, at }: ConfigResource,
  changes: ConfigChanges,
  validateOnly: boolean,
  deadline: Deadline,
): Promise<Change<AlterConfigsAnswer>> {
  const resource = { resourceType: type, resourceName: name, configs: toOperations(changes) }
  return changeCluster(
    cluster,
    deadline,
    async (connection) => {
      const { responses } = await connection.call(incrementalAlterConfigs, [resource], validateOnly)
      return responses[0]!
    },
    at,
  )
}
