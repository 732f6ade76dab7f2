import { Problem } from '../../../problems/problem.ts'
import type { Cluster } from '../../cluster.ts'
import { type Change, changeCluster } from '../controller-call.ts'
import { Deadline } from '../../deadline.ts'
import { KafkaCode, problemFromKafkaCode } from '../../errors.ts'
import { createTopics, type CreateTopicsAnswer } from '../../wire/topic-apis.ts'
import { TIMEOUT_MS } from '../timeouts.ts'
import { configsOf, toDescription, type TopicDescription } from './describe-topic.ts'
import { untilServed } from './served-topic.ts'
import { refusedConfig, toTopicConfigs, type TopicConfig } from './topic-configs.ts'
import { TopicRefused } from './topic-refused.ts'
import { SIZES_MS, sizesOf } from './topic-sizes.ts'

/** A topic to be made. What is left out is the cluster's default. */
export interface TopicSpec {
  readonly name: string
  readonly partitions?: number | undefined
  readonly replicationFactor?: number | undefined
  /** The brokers of each partition, the preferred leader first; instead of the two numbers. */
  readonly assignments?: readonly (readonly number[])[] | undefined
  readonly configs: ReadonlyMap<string, string>
}

/** What a topic would be whose making or change was only validated. */
export interface TopicPlan {
  readonly name: string
  readonly partitions: number
  readonly replicationFactor: number
  /** Null where Kafka does not let the gateway see them. */
  readonly configs: readonly TopicConfig[] | null
}

type CreateAnswer = CreateTopicsAnswer['topics'][number]

/** The answer's id where the broker is too old to give one. */
const NO_ID = '00000000-0000-0000-0000-000000000000'

/**
 * Makes a topic, and waits until it is served, so that the very next produce works.
 * @throws TopicRefused; Problem topic_exists, policy_violation, kafka_authorization, kafka_unavailable, kafka_auth_failed
 */
export async function createTopic(cluster: Cluster, spec: TopicSpec): Promise<TopicDescription> {
  const deadline = new Deadline(TIMEOUT_MS)
  const before = await deadline.within(cluster.topic(spec.name))
  const { answer, repeated } = await create(cluster, spec, false, deadline)
  const exists = answer.errorCode === KafkaCode.TOPIC_ALREADY_EXISTS
  // A try whose answer was lost has made it; only a topic that was not there before can be that one.
  const madeBefore = exists && repeated && before === undefined
  if (answer.errorCode !== KafkaCode.NONE && !madeBefore) throw refusal(cluster, spec, answer)
  const { topicId } = answer
  // A broker that lags may still show an earlier topic of the same name.
  const isNew = ({ id }: { id: string }) => topicId === NO_ID || id === topicId
  const { topic, bounds } = await untilServed(cluster, spec.name, isNew, deadline)
  const known = exists || answer.configs === null ? undefined : toTopicConfigs(answer.configs)
  const configs = known ?? (await configsOf(cluster, spec.name, deadline)) ?? null
  return toDescription(topic, bounds, await sizesOf(cluster, topic, deadline.slice(SIZES_MS)), configs)
}

/**
 * Asks Kafka whether it would make the topic, and what it would be. Nothing changes.
 * @throws as createTopic()
 */
export async function validateTopic(cluster: Cluster, spec: TopicSpec): Promise<TopicPlan> {
  const deadline = new Deadline(TIMEOUT_MS)
  await deadline.within(cluster.ping())
  const { answer } = await create(cluster, spec, true, deadline)
  if (answer.errorCode !== KafkaCode.NONE) throw refusal(cluster, spec, answer)
  const { numPartitions: partitions, replicationFactor, configs } = answer
  return { name: spec.name, partitions, replicationFactor, configs: configs && toTopicConfigs(configs) }
}

function create(
  cluster: Cluster,
  spec: TopicSpec,
  validateOnly: boolean,
  deadline: Deadline,
): Promise<Change<CreateAnswer>> {
  const topic = {
    name: spec.name,
    numPartitions: spec.partitions ?? -1,
    replicationFactor: spec.replicationFactor ?? -1,
    assignments: (spec.assignments ?? []).map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds })),
    configs: [...spec.configs].map(([name, value]) => ({ name, value })),
  }
  return changeCluster(cluster, deadline, async (connection, timeoutMs) => {
    const answer = await connection.call(createTopics, [topic], timeoutMs, validateOnly)
    return answer.topics[0]!
  })
}

function refusal(cluster: Cluster, spec: TopicSpec, { errorCode, errorMessage }: CreateAnswer): Error {
  const refused = (path: readonly (string | number)[], reason: string) =>
    new TopicRefused('invalid_topic_config', path, reason, errorMessage)
  switch (errorCode) {
    case KafkaCode.TOPIC_ALREADY_EXISTS:
      return new Problem('topic_exists', { detail: `There is a topic ${spec.name} already.` })
    case KafkaCode.INVALID_TOPIC_EXCEPTION:
      // The name itself was checked, so it is the one rule that needs the other topics.
      return new TopicRefused(
        'invalid_topic_name',
        ['name'],
        "a topic exists whose name differs only in '.' and '_', which Kafka's metrics cannot tell apart",
        errorMessage,
      )
    case KafkaCode.INVALID_PARTITIONS:
      return refused(['partitions'], 'Kafka refused this number')
    case KafkaCode.INVALID_REPLICATION_FACTOR: {
      const brokers = cluster.brokers.size
      const reason =
        spec.replicationFactor === undefined
          ? `the cluster's default is more than its brokers can hold (${brokers}); give one`
          : `at most the number of brokers, ${brokers}`
      return refused(['replicationFactor'], reason)
    }
    case KafkaCode.INVALID_REPLICA_ASSIGNMENT: {
      const { path, reason } = refusedAssignment(cluster, spec.assignments ?? [])
      return refused(['assignments', ...path], reason)
    }
    case KafkaCode.INVALID_CONFIG: {
      const { config, reason } = refusedConfig([...spec.configs.keys()], errorMessage)
      return refused(config === undefined ? ['configs'] : ['configs', config], reason)
    }
    default:
      return problemFromKafkaCode(errorCode, undefined, errorMessage)
  }
}

/** Kafka knows brokers that are down, too, so what it refused is looked for among those that metadata does not name. */
function refusedAssignment(
  cluster: Cluster,
  assignments: readonly (readonly number[])[],
): { path: number[]; reason: string } {
  const brokers = [...cluster.brokers.keys()].sort((a, b) => a - b)
  for (const [partition, replicas] of assignments.entries()) {
    const index = replicas.findIndex((broker) => !cluster.brokers.has(broker))
    if (index < 0) continue
    const reason = `the cluster has no broker ${replicas[index]}; its brokers are ${brokers.join(', ')}`
    return { path: [partition, index], reason }
  }
  return { path: [], reason: 'Kafka refused to place the replicas so' }
}
