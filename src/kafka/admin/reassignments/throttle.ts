import { Problem } from '../../../problems/problem.ts'
import type { Cluster } from '../../cluster.ts'
import { Deadline } from '../../deadline.ts'
import { KafkaCode, problemFromKafka, problemFromKafkaCode } from '../../errors.ts'
import { BROKER_RESOURCE, describeConfigs, TOPIC_RESOURCE } from '../../wire/config-apis.ts'
import { askBrokers } from '../broker-answers.ts'
import { registrations } from '../cluster/brokers.ts'
import { alterConfigs } from '../configs/alter-configs.ts'
import type { ConfigChanges } from '../configs/config-changes.ts'
import { toConfigEntries } from '../configs/config-entry.ts'
import { ownValue } from '../configs/config-preview.ts'
import { SETTLE_MS, TIMEOUT_MS } from '../timeouts.ts'
import { byTopic, topicMap } from '../topic-partitions.ts'
import { movingPartitions } from './in-progress.ts'
import type { Step } from './wanted-replicas.ts'

/** Bytes a second that a broker sends, or takes, of the replicas listed in its topics' configs (KIP-73). */
const RATES = ['leader.replication.throttled.rate', 'follower.replication.throttled.rate'] as const
/** Which replicas are throttled, as `partition:broker`: those that are read from, and those that are written. */
const LEADERS = 'leader.replication.throttled.replicas'
const FOLLOWERS = 'follower.replication.throttled.replicas'

/** What a throttle is set on. */
export interface Throttled {
  readonly topics: readonly string[]
  readonly brokers: readonly number[]
}

const nothing = { set: new Map(), append: new Map(), subtract: new Map() } satisfies ConfigChanges

/**
 * Throttles the copying of some steps as kafka-reassign-partitions does. To be done before they start: what is begun at
 * full speed is not slowed down at once.
 * @throws Problem broker_unavailable, kafka_authorization, policy_violation, kafka_unavailable, kafka_auth_failed
 */
export async function setThrottle(
  cluster: Cluster,
  steps: readonly Step[],
  bytesPerSecond: number,
  deadline: Deadline,
): Promise<void> {
  const throttled = throttledBy(steps)
  const rates = new Map(RATES.map((name) => [name, String(bytesPerSecond)]))
  await changeAll(cluster, BROKER_RESOURCE, throttled.brokers, () => ({ ...nothing, set: rates }), deadline)
  const lists = listsOf(steps)
  const added = (topic: string) => ({ ...nothing, append: lists.get(topic)! })
  await changeAll(cluster, TOPIC_RESOURCE, throttled.topics, added, deadline)
}

/** Takes back what setThrottle() did for steps that were not taken. @throws as setThrottle() */
export async function undoThrottle(
  cluster: Cluster,
  steps: readonly Step[],
  deadline: Deadline,
): Promise<void> {
  const { topics, brokers } = throttledBy(steps)
  const lists = listsOf(steps)
  const taken = (topic: string) => ({ ...nothing, subtract: lists.get(topic)! })
  await changeAll(cluster, TOPIC_RESOURCE, topics, taken, deadline)
  await changeAll(cluster, BROKER_RESOURCE, brokers, () => ({ ...nothing, set: unset(RATES) }), deadline)
}

/** By topic, which replicas are throttled. */
function listsOf(steps: readonly Step[]): Map<string, Map<string, string[]>> {
  return new Map(
    byTopic(steps).map(([topic, of]) => {
      const pairs = (nodesOf: (step: Step) => readonly number[]) =>
        of.flatMap((step) => nodesOf(step).map((node) => `${step.partition}:${node}`))
      const lists = [
        [LEADERS, pairs(({ from }) => from)],
        [FOLLOWERS, pairs(({ from, to }) => to.filter((node) => !from.includes(node)))],
      ] as const
      return [topic, new Map(lists.filter(([, list]) => list.length > 0))]
    }),
  )
}

function unset(names: readonly string[]): Map<string, null> {
  return new Map(names.map((name) => [name, null]))
}

function throttledBy(steps: readonly Step[]): Throttled {
  return {
    topics: byTopic(steps).map(([topic]) => topic),
    brokers: [...new Set(steps.flatMap(({ from, to }) => [...from, ...to]))].sort((a, b) => a - b),
  }
}

async function changeAll<T extends string | number>(
  cluster: Cluster,
  type: number,
  names: readonly T[],
  changes: (name: T) => ConfigChanges,
  deadline: Deadline,
): Promise<void> {
  await Promise.all(
    names.map(async (name) => {
      const resource = { type, name: String(name), ...(typeof name === 'number' ? { at: name } : {}) }
      const { answer } = await alterConfigs(cluster, resource, changes(name), false, deadline)
      // A topic that is gone throttles nothing.
      const gone = answer.errorCode === KafkaCode.UNKNOWN_TOPIC_OR_PARTITION
      if (answer.errorCode === KafkaCode.NONE || gone) return
      throw problemFromKafkaCode(answer.errorCode, undefined, answer.errorMessage)
    }),
  )
}

/**
 * Takes every throttle off that is set on topics and on brokers in service, once nothing is being copied any more.
 * @throws Problem reassignment_in_progress; as setThrottle()
 */
export async function removeThrottles(
  cluster: Cluster,
  dryRun: boolean,
): Promise<Throttled & { readonly unanswered: readonly number[] }> {
  const deadline = new Deadline(TIMEOUT_MS)
  const [first, ...more] = await movingPartitions(cluster, deadline)
  if (first !== undefined) {
    const others = more.length > 0 ? ` and ${more.length} more` : ''
    throw new Problem('reassignment_in_progress', {
      detail: `${first.topic} ${first.partition}${others} would be copied without a throttle.`,
    })
  }
  const { unanswered, ...throttled } = await findThrottles(cluster, deadline)
  if (!dryRun) {
    const { brokers, topics } = throttled
    const without = (names: readonly string[]) => () => ({ ...nothing, set: unset(names) })
    await changeAll(cluster, BROKER_RESOURCE, brokers, without(RATES), deadline)
    await changeAll(cluster, TOPIC_RESOURCE, topics, without([LEADERS, FOLLOWERS]), deadline)
  }
  return { ...throttled, unanswered }
}

async function findThrottles(
  cluster: Cluster,
  deadline: Deadline,
): Promise<Throttled & { unanswered: readonly number[] }> {
  const nodes = (await registrations(cluster, deadline)).map(({ broker }) => broker)
  const ask = (type: number, names: readonly string[], keys: string[]) => ({
    resources: names.map((resourceName) => ({ resourceType: type, resourceName, configurationKeys: keys })),
  })
  const { answers, unanswered } = await askBrokers(
    cluster,
    nodes,
    deadline.slice(SETTLE_MS),
    async (connection, node) => {
      const { resources } = ask(BROKER_RESOURCE, [String(node)], [...RATES])
      const { results } = await connection.call(describeConfigs, resources, true, false)
      const { errorCode, errorMessage, configs } = results[0]!
      if (errorCode !== KafkaCode.NONE) throw problemFromKafkaCode(errorCode, undefined, errorMessage)
      return toConfigEntries(configs).some((entry) => ownValue(entry, 'broker') !== undefined)
    },
  )
  const brokers = [...answers].filter(([, isSet]) => isSet).map(([node]) => node)
  const names = [...(await topicMap(cluster, deadline)).keys()].sort()
  if (names.length === 0) return { topics: [], brokers: brokers.sort((a, b) => a - b), unanswered }
  const { resources } = ask(TOPIC_RESOURCE, names, [LEADERS, FOLLOWERS])
  const call = cluster.callAny((connection) => connection.call(describeConfigs, resources, false, false))
  const { results } = await deadline.within(call).catch((error: unknown) => {
    throw problemFromKafka(error)
  })
  const throttled = results.filter(({ errorCode, errorMessage, configs }) => {
    // A topic that is gone throttles nothing.
    if (errorCode === KafkaCode.UNKNOWN_TOPIC_OR_PARTITION) return false
    if (errorCode !== KafkaCode.NONE) throw problemFromKafkaCode(errorCode, undefined, errorMessage)
    return toConfigEntries(configs).some(({ source }) => source === 'topic')
  })
  const topics = throttled.map(({ resourceName }) => resourceName).sort()
  return { topics, brokers: brokers.sort((a, b) => a - b), unanswered }
}
