import { Problem } from '../../../problems/problem.ts'
import type { Cluster, TopicInfo } from '../../cluster.ts'
import type { Deadline } from '../../deadline.ts'
import { KafkaCode, problemFromKafkaCode } from '../../errors.ts'
import { TOPIC_RESOURCE } from '../../wire/config-apis.ts'
import { createPartitions } from '../../wire/topic-apis.ts'
import { alterConfigs } from '../configs/alter-configs.ts'
import { changedNames, type ConfigChanges } from '../configs/config-changes.ts'
import { changeCluster } from '../controller-call.ts'
import { POLL_MS } from '../timeouts.ts'
import { refusedConfig, type TopicConfig } from './topic-configs.ts'
import { TopicRefused } from './topic-refused.ts'

export interface TopicChange {
  /** How many the topic is to have in all. */
  readonly partitions?: number | undefined
  readonly configs: ConfigChanges
}

/** What can be changed of a topic, as it is. */
export interface TopicState extends TopicInfo {
  /** Null where Kafka does not let the gateway see them. */
  readonly configs: readonly TopicConfig[] | null
}

/** One call to Kafka. */
export interface AlterStep {
  readonly part: 'configs' | 'partitions'
  /** @throws TopicRefused; Problem */
  run(validateOnly: boolean): Promise<void>
}

/**
 * The calls that a change takes, configs first: they can be changed back, partitions cannot.
 * @throws TopicRefused where Kafka would do nothing, without a word, or refuse for certain
 */
export function alterSteps(
  cluster: Cluster,
  state: TopicState,
  change: TopicChange,
  deadline: Deadline,
): AlterStep[] {
  const steps: AlterStep[] = []
  refuseUnknown(change.configs, state.configs)
  if (changedNames(change.configs).length > 0) {
    const run = (validateOnly: boolean) =>
      changeConfigs(cluster, state.name, change.configs, validateOnly, deadline)
    steps.push({ part: 'configs', run })
  }
  const { partitions } = change
  if (partitions !== undefined && partitions !== state.partitions.length) {
    if (partitions < state.partitions.length) throw fewer(state.partitions.length)
    const run = (validateOnly: boolean) => addPartitions(cluster, state, partitions, validateOnly, deadline)
    steps.push({ part: 'partitions', run })
  }
  return steps
}

/**
 * To delete a config that there is not, such as one misspelt, is nothing to Kafka; to append to one, a list that is none.
 * @throws TopicRefused
 */
function refuseUnknown({ set, append, subtract }: ConfigChanges, configs: TopicState['configs']): void {
  if (configs === null) return
  const known = new Set(configs.map(({ name }) => name))
  const deleted = [...set].flatMap(([name, value]) => (value === null ? [name] : []))
  const unknown = [...deleted, ...append.keys(), ...subtract.keys()].find((name) => !known.has(name))
  if (unknown === undefined) return
  throw new TopicRefused(
    'invalid_topic_config',
    ['configs', unknown],
    'Kafka has no topic config of this name',
  )
}

async function changeConfigs(
  cluster: Cluster,
  name: string,
  changes: ConfigChanges,
  validateOnly: boolean,
  deadline: Deadline,
): Promise<void> {
  const resource = { type: TOPIC_RESOURCE, name }
  const { answer } = await alterConfigs(cluster, resource, changes, validateOnly, deadline)
  const { errorCode, errorMessage } = answer
  if (errorCode === KafkaCode.NONE) return
  if (errorCode === KafkaCode.UNKNOWN_TOPIC_OR_PARTITION) throw notFound(name)
  if (errorCode !== KafkaCode.INVALID_CONFIG) throw problemFromKafkaCode(errorCode, undefined, errorMessage)
  const { config, reason } = refusedConfig(changedNames(changes), errorMessage)
  const path = config === undefined ? ['configs'] : ['configs', config]
  throw new TopicRefused('invalid_topic_config', path, reason, errorMessage)
}

async function addPartitions(
  cluster: Cluster,
  topic: TopicInfo,
  count: number,
  validateOnly: boolean,
  deadline: Deadline,
): Promise<void> {
  const { name } = topic
  const { answer } = await changeCluster(cluster, deadline, async (connection, timeoutMs) => {
    const wanted = { name, count, assignments: null }
    const { results } = await connection.call(createPartitions, [wanted], timeoutMs, validateOnly)
    return results[0]!
  })
  const { errorCode, errorMessage } = answer
  switch (errorCode) {
    case KafkaCode.NONE:
      return
    case KafkaCode.UNKNOWN_TOPIC_OR_PARTITION:
      throw notFound(name)
    case KafkaCode.INVALID_PARTITIONS: {
      // It has as many or more by now: by a try of ours whose answer was lost, or by another's hand.
      const now = await untilPartitions(cluster, topic, count, deadline)
      if (now > count) throw fewer(now)
      return
    }
    case KafkaCode.INVALID_REPLICATION_FACTOR: {
      const reason = `each needs ${topic.partitions[0]?.replicas.length} replicas, and not so many brokers are up`
      throw new TopicRefused('invalid_topic_config', ['partitions'], reason, errorMessage)
    }
    default:
      throw problemFromKafkaCode(errorCode, undefined, errorMessage)
  }
}

/** How many partitions a topic has once metadata shows at least so many. @throws Problem topic_not_found */
async function untilPartitions(
  cluster: Cluster,
  { id, name }: TopicInfo,
  count: number,
  deadline: Deadline,
): Promise<number> {
  for (;;) {
    const now = await deadline.within(cluster.refreshTopic(name))
    if (now?.id !== id) throw notFound(name)
    if (now.partitions.length >= count) return now.partitions.length
    await deadline.pause(POLL_MS)
  }
}

function fewer(count: number): TopicRefused {
  const reason = `the topic has ${count} already, and Kafka takes none away`
  return new TopicRefused('invalid_topic_config', ['partitions'], reason)
}

export function notFound(name: string): Problem {
  return new Problem('topic_not_found', { detail: `There is no topic ${name}.` })
}
