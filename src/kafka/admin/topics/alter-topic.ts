import { Problem } from '../../../problems/problem.ts'
import type { Cluster, TopicInfo } from '../../cluster.ts'
import { Deadline } from '../../deadline.ts'
import { type AlterStep, alterSteps, notFound, type TopicChange, type TopicState } from './alter-steps.ts'
import type { ConfigChanges } from '../configs/config-changes.ts'
import { areShown, type ConfigEffect, configEffects } from './config-effects.ts'
import { POLL_MS, TIMEOUT_MS } from '../timeouts.ts'
import { configsOf, toDescription, type TopicDescription } from './describe-topic.ts'
import { untilServed } from './served-topic.ts'
import type { TopicConfig } from './topic-configs.ts'
import { TopicRefused } from './topic-refused.ts'
import { SIZES_MS, sizesOf } from './topic-sizes.ts'

/** Longest that brokers are waited for to show changed configs, ms: another writer may have changed them again. */
const SHOWN_MS = 1_000

/** What a change would do. */
export interface TopicChangePlan {
  readonly name: string
  readonly partitions: { readonly before: number; readonly after: number }
  readonly configs: readonly ConfigEffect[]
}

/** Whether one part of a change was made; a call that was never answered may or may not have been. */
export type Made = 'made' | 'not_made' | 'unknown'

export type Changed = { readonly [part in AlterStep['part']]?: Made }

/** A change that failed when all or some of it was made, or may have been. `cause` says why. */
export class PartlyAltered extends Error {
  readonly changed: Changed

  constructor(cause: unknown, changed: Changed) {
    super('the topic was changed in part', { cause })
    this.name = 'PartlyAltered'
    this.changed = changed
  }
}

/**
 * Changes a topic and waits until it is seen: its new partitions take records at once. What is not named stays, whoever
 * changes it meanwhile; a change that is made already is no error. Where both configs and partitions change, which are two
 * calls, Kafka is asked about both before the first is made.
 * @param check may throw to keep the topic as it is
 * @throws TopicRefused; PartlyAltered; Problem topic_not_found, internal_topic, policy_violation, kafka_authorization,
 *   kafka_unavailable, kafka_auth_failed
 */
export async function alterTopic(
  cluster: Cluster,
  name: string,
  change: TopicChange,
  check: (state: TopicState) => void,
): Promise<TopicDescription> {
  const deadline = new Deadline(TIMEOUT_MS)
  const state = await stateOf(cluster, name, deadline)
  check(state)
  const steps = alterSteps(cluster, state, change, deadline)
  if (steps.length > 1) for (const step of steps) await step.run(true)
  const changed: { -readonly [part in keyof Changed]: Changed[part] } = {}
  for (const { part } of steps) changed[part] = 'not_made'
  try {
    for (const { part, run } of steps) {
      changed[part] = 'unknown'
      await run(false).catch((error: unknown) => {
        if (isRefusal(error)) changed[part] = 'not_made'
        throw error
      })
      changed[part] = 'made'
    }
    return await describeChanged(cluster, state, change, deadline)
  } catch (error) {
    if (Object.values(changed).every((made) => made === 'not_made')) throw error
    throw new PartlyAltered(error, changed)
  }
}

/**
 * Asks Kafka whether it would change the topic so, and what would be changed. Nothing is.
 * @throws as alterTopic(), but PartlyAltered
 */
export async function validateChange(
  cluster: Cluster,
  name: string,
  change: TopicChange,
  check: (state: TopicState) => void,
): Promise<TopicChangePlan> {
  const deadline = new Deadline(TIMEOUT_MS)
  const state = await stateOf(cluster, name, deadline)
  check(state)
  for (const step of alterSteps(cluster, state, change, deadline)) await step.run(true)
  const before = state.partitions.length
  return {
    name,
    partitions: { before, after: change.partitions ?? before },
    configs: configEffects(change.configs, state.configs),
  }
}

/** @throws Problem topic_not_found, internal_topic, kafka_authorization, kafka_unavailable, kafka_auth_failed */
async function stateOf(cluster: Cluster, name: string, deadline: Deadline): Promise<TopicState> {
  for (;;) {
    const topic = await deadline.within(cluster.refreshTopic(name))
    if (topic === undefined) throw notFound(name)
    if (topic.internal) throw new Problem('internal_topic')
    const configs = await configsOf(cluster, name, deadline)
    if (configs !== undefined) return { ...topic, configs }
    await deadline.pause(POLL_MS)
  }
}

/** The topic as it has become, once brokers show it; changed it is either way. */
async function describeChanged(
  cluster: Cluster,
  { id, name, partitions }: TopicState,
  change: TopicChange,
  deadline: Deadline,
): Promise<TopicDescription> {
  const count = change.partitions ?? partitions.length
  const isNew = (topic: TopicInfo) => topic.id !== id || topic.partitions.length >= count
  const [{ topic, bounds }, configs] = await Promise.all([
    untilServed(cluster, name, isNew, deadline, partitions.length),
    untilShown(cluster, name, change.configs, deadline),
  ])
  if (topic.id !== id) throw notFound(name)
  return toDescription(topic, bounds, await sizesOf(cluster, topic, deadline.slice(SIZES_MS)), configs)
}

async function untilShown(
  cluster: Cluster,
  name: string,
  changes: ConfigChanges,
  deadline: Deadline,
): Promise<readonly TopicConfig[] | null> {
  const settle = deadline.slice(SHOWN_MS)
  for (;;) {
    const configs = await configsOf(cluster, name, deadline)
    if (configs === null) return null
    const isSeen = configs !== undefined && areShown(changes, configs)
    if (configs !== undefined && (isSeen || settle.passed)) return configs
    await deadline.pause(POLL_MS)
  }
}

/** Whether a call failed because it was refused, which changes nothing: one that was not answered may have been made. */
function isRefusal(error: unknown): boolean {
  return error instanceof TopicRefused || (error instanceof Problem && error.row.status < 500)
}
