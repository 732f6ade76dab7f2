import type { Cluster } from '../cluster.ts'
import type { Deadline } from '../deadline.ts'
import { KafkaCode, problemFromKafka, problemFromKafkaCode } from '../errors.ts'
import { askBrokers } from '../admin/broker-answers.ts'
import { BROKER_RESOURCE, describeConfigs, TOPIC_RESOURCE } from '../wire/config-apis.ts'

/** Configs in force, by name. */
export type Configs = ReadonlyMap<string, string>

/**
 * Some configs of each broker that answers, by node id.
 * @throws Problem kafka_authorization, kafka_unavailable, kafka_auth_failed
 */
export async function brokerConfigs(
  cluster: Cluster,
  names: readonly string[],
  deadline: Deadline,
): Promise<ReadonlyMap<number, Configs>> {
  const { answers } = await askBrokers(
    cluster,
    cluster.brokers.keys(),
    deadline,
    async (connection, node) => {
      const resource = {
        resourceType: BROKER_RESOURCE,
        resourceName: String(node),
        configurationKeys: [...names],
      }
      const { results } = await connection.call(describeConfigs, [resource], false, false)
      const { errorCode, errorMessage, configs } = results[0]!
      if (errorCode !== KafkaCode.NONE) throw problemFromKafkaCode(errorCode, undefined, errorMessage)
      return toConfigs(configs)
    },
  )
  return answers
}

/**
 * Some configs of topics, by the topic's name; those that the gateway may not see are left out.
 * @throws Problem kafka_unavailable, kafka_auth_failed
 */
export async function topicConfigs(
  cluster: Cluster,
  topics: readonly string[],
  names: readonly string[],
  deadline: Deadline,
): Promise<ReadonlyMap<string, Configs>> {
  const resources = topics.map((resourceName) => ({
    resourceType: TOPIC_RESOURCE,
    resourceName,
    configurationKeys: [...names],
  }))
  if (resources.length === 0) return new Map()
  const call = cluster.callAny((connection) => connection.call(describeConfigs, resources, false, false))
  const { results } = await deadline.within(call).catch((error: unknown) => {
    throw problemFromKafka(error)
  })
  const seen = results.filter(({ errorCode }) => errorCode === KafkaCode.NONE)
  return new Map(seen.map(({ resourceName, configs }) => [resourceName, toConfigs(configs)]))
}

function toConfigs(answers: readonly { name: string; value: string | null }[]): Configs {
  return new Map(answers.map(({ name, value }) => [name, value ?? '']))
}
