import { Problem, type ProblemCode } from '../../../problem.ts'
import type { Cluster, TopicInfo } from '../../cluster.ts'
import { type Change, changeCluster } from '../controller-call.ts'
import { Deadline } from '../../deadline.ts'
import { KafkaCode, problemFromKafkaCode } from '../../errors.ts'
import { createTopics, type CreateTopicsAnswer } from '../../wire/topic-apis.ts'
import { POLL_MS, SETTLE_MS, TIMEOUT_MS } from '../timeouts.ts'
import { configsOf, toDescription, type TopicDescription } from './describe-topic.ts'
import { refusedConfig, toTopicConfigs, type TopicConfig } from './topic-configs.ts'
import { type Bounds, boundsOf } from './topic-offsets.ts'

/** A topic to be made. What is left out is the cluster's default. */
export interface TopicSpec {
  readonly name: string
  readonly partitions?: number | undefined
  readonly replicationFactor?: number | undefined
  readonly configs: ReadonlyMap<string, string>
}

/** What a topic that was only validated would be. */
export interface TopicPlan {
  readonly name: string
  readonly partitions: number
  readonly replicationFactor: number
  /** Null where Kafka does not let the gateway see them. */
  readonly configs: readonly TopicConfig[] | null
}

/** Kafka refuses one part of a spec. The message is ours, and may be shown to the caller. */
export class TopicRefused extends Error {
  readonly code: ProblemCode
  readonly part: keyof TopicSpec
  readonly config: string | undefined

  constructor(code: ProblemCode, part: keyof TopicSpec, reason: string, cause: unknown, config?: string) {
    super(reason, { cause })
    this.name = 'TopicRefused'
    this.code = code
    this.part = part
    this.config = config
  }
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
  const { topic, bounds } = await untilServed(cluster, spec.name, answer.topicId, deadline)
  const known = exists || answer.configs === null ? undefined : toTopicConfigs(answer.configs)
  const configs = known ?? (await configsOf(cluster, spec.name, deadline)) ?? null
  return toDescription(topic, bounds, configs)
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
    assignments: [],
    configs: [...spec.configs].map(([name, value]) => ({ name, value })),
  }
  return changeCluster(cluster, deadline, async (connection, timeoutMs) => {
    const answer = await connection.call(createTopics, [topic], timeoutMs, validateOnly)
    return answer.topics[0]!
  })
}

/** Polls until each partition's leader answers for it, or half the time is over: the topic exists either way. */
async function untilServed(
  cluster: Cluster,
  name: string,
  id: string,
  deadline: Deadline,
): Promise<{ topic: TopicInfo; bounds: Map<number, Bounds> }> {
  const settle = new Deadline(SETTLE_MS)
  for (;;) {
    cluster.forgetTopic(name)
    const topic = await deadline.within(cluster.refreshTopic(name))
    // A broker that lags may still show an earlier topic of the same name.
    if (topic !== undefined && (id === NO_ID || topic.id === id)) {
      const bounds = await boundsOf(cluster, topic, settle)
      if (bounds.size === topic.partitions.length || settle.passed) return { topic, bounds }
    }
    await deadline.pause(POLL_MS)
  }
}

function refusal(cluster: Cluster, spec: TopicSpec, { errorCode, errorMessage }: CreateAnswer): Error {
  switch (errorCode) {
    case KafkaCode.TOPIC_ALREADY_EXISTS:
      return new Problem('topic_exists', { detail: `There is a topic ${spec.name} already.` })
    case KafkaCode.INVALID_TOPIC_EXCEPTION:
      // The name itself was checked, so it is the one rule that needs the other topics.
      return new TopicRefused(
        'invalid_topic_name',
        'name',
        "a topic exists whose name differs only in '.' and '_', which Kafka's metrics cannot tell apart",
        errorMessage,
      )
    case KafkaCode.INVALID_PARTITIONS:
      return new TopicRefused('invalid_topic_config', 'partitions', 'Kafka refused this number', errorMessage)
    case KafkaCode.INVALID_REPLICATION_FACTOR: {
      const brokers = cluster.brokers.size
      const reason =
        spec.replicationFactor === undefined
          ? `the cluster's default is more than its brokers can hold (${brokers}); give one`
          : `at most the number of brokers, ${brokers}`
      return new TopicRefused('invalid_topic_config', 'replicationFactor', reason, errorMessage)
    }
    case KafkaCode.INVALID_CONFIG: {
      const { config, reason } = refusedConfig([...spec.configs.keys()], errorMessage)
      return new TopicRefused('invalid_topic_config', 'configs', reason, errorMessage, config)
    }
    default:
      return problemFromKafkaCode(errorCode, undefined, errorMessage)
  }
}
