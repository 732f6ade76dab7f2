import type { BrokerConnection } from '../../broker-connection.ts'
import type { Cluster } from '../../cluster.ts'
import { Deadline } from '../../deadline.ts'
import { KafkaCode, problemFromKafka, problemFromKafkaCode } from '../../errors.ts'
import { BROKER_RESOURCE, describeConfigs } from '../../wire/config-apis.ts'
import { askBroker, askBrokers } from '../broker-answers.ts'
import { alterConfigs } from '../configs/alter-configs.ts'
import { changedNames, type ConfigChanges } from '../configs/config-changes.ts'
import { type ConfigEntry, toConfigEntries } from '../configs/config-entry.ts'
import { previewOf, showsChange } from '../configs/config-preview.ts'
import { POLL_MS, SETTLE_MS, TIMEOUT_MS } from '../timeouts.ts'
import { checkChanges, refusal } from './broker-config-rules.ts'
import { checkBroker } from './brokers.ts'

/** One broker, or what is set for all of them (undefined). */
export type ConfigTarget = number | undefined

/** The source of what is set there. */
export function levelOf(target: ConfigTarget): 'broker' | 'cluster' {
  return target === undefined ? 'cluster' : 'broker'
}

/**
 * All configs of one broker, in force; or those that are set for all brokers while they run.
 * @throws Problem broker_not_found, broker_unavailable, kafka_authorization, kafka_unavailable, kafka_auth_failed
 */
export async function describeBrokerConfigs(cluster: Cluster, target: ConfigTarget): Promise<ConfigEntry[]> {
  const deadline = new Deadline(TIMEOUT_MS)
  if (target !== undefined) await checkBroker(cluster, target, deadline)
  return describe(cluster, target, deadline)
}

/**
 * Changes some configs and no others, all or none, and waits until they show.
 * @param onSeen is told what is there before, and may throw to leave it so
 * @returns the configs that were named, as they are now or, with `validateOnly`, as they would be
 * @throws ConfigRefused; as describeBrokerConfigs()
 */
export async function alterBrokerConfigs(
  cluster: Cluster,
  target: ConfigTarget,
  changes: ConfigChanges,
  { validateOnly, onSeen }: { validateOnly: boolean; onSeen: (before: readonly ConfigEntry[]) => void },
): Promise<ConfigEntry[]> {
  const deadline = new Deadline(TIMEOUT_MS)
  if (target !== undefined) await checkBroker(cluster, target, deadline)
  // Any broker will do, once it is known which there are.
  else await deadline.within(cluster.ping())
  const before = await describe(cluster, target, deadline)
  onSeen(before)
  const known = target === undefined ? await withKnown(cluster, before, deadline) : before
  const named = checkChanges(known, changes, target)
  const level = levelOf(target)
  const preview = named.map((entry) => previewOf(entry, changes, level))
  if (named.length === 0) return preview
  const resource = {
    type: BROKER_RESOURCE,
    name: target === undefined ? '' : String(target),
    ...(target === undefined ? {} : { at: target }),
  }
  const { answer } = await alterConfigs(cluster, resource, changes, validateOnly, deadline)
  if (answer.errorCode !== KafkaCode.NONE) throw refusal(answer, named, target)
  if (validateOnly) return preview
  const shown = await untilShown(cluster, target, changes, deadline.slice(SETTLE_MS))
  // What is not set for all brokers any more is not told of there.
  return preview.map((entry) => shown?.find(({ name }) => name === entry.name) ?? entry)
}

async function describe(cluster: Cluster, target: ConfigTarget, deadline: Deadline): Promise<ConfigEntry[]> {
  if (target !== undefined) {
    return askBroker(cluster, target, deadline.slice(SETTLE_MS), (connection) => ask(connection, target))
  }
  const call = cluster.callAny((connection) => ask(connection, undefined))
  return deadline.within(call).catch((error: unknown) => {
    throw problemFromKafka(error)
  })
}

async function ask(connection: BrokerConnection, target: ConfigTarget): Promise<ConfigEntry[]> {
  const resource = {
    resourceType: BROKER_RESOURCE,
    resourceName: target === undefined ? '' : String(target),
    configurationKeys: null,
  }
  const { results } = await connection.call(describeConfigs, [resource], true, false)
  const { errorCode, errorMessage, configs } = results[0]!
  if (errorCode !== KafkaCode.NONE) throw problemFromKafkaCode(errorCode, undefined, errorMessage)
  return toConfigEntries(configs).map(withChangeable)
}

/** Kafka calls all names read only that it does not know in advance, those of a listener's own as well. */
function withChangeable(entry: ConfigEntry): ConfigEntry {
  const wasChanged = entry.origins.some(({ source }) => source === 'broker' || source === 'cluster')
  return entry.readOnly && wasChanged ? { ...entry, readOnly: false } : entry
}

/** The configs set for all brokers, and those that are not but could be: any broker knows their names. */
async function withKnown(
  cluster: Cluster,
  set: readonly ConfigEntry[],
  deadline: Deadline,
): Promise<ConfigEntry[]> {
  const answers = [...cluster.brokers.keys()].map((node) =>
    askBroker(cluster, node, deadline.slice(SETTLE_MS), (connection) => ask(connection, node)),
  )
  const known = await Promise.any(answers).catch((error: unknown) => {
    throw problemFromKafka((error as AggregateError).errors[0])
  })
  // A broker tells what is below, too, which what is set for all does not.
  const names = new Set(known.map(({ name }) => name))
  return [...known.map(withoutBroker), ...set.filter(({ name }) => !names.has(name))]
}

/** A config as it would be at a broker that nothing was told alone. */
function withoutBroker(entry: ConfigEntry): ConfigEntry {
  const origins = entry.origins.filter(({ source }) => source !== 'broker')
  const source = origins[0]?.source ?? 'default'
  return { ...entry, value: origins[0]?.value ?? null, source, default: source === 'default', origins }
}

/** Undefined where it does not come to show in time: it was made either way, and brokers learn of it one by one. */
async function untilShown(
  cluster: Cluster,
  target: ConfigTarget,
  changes: ConfigChanges,
  settle: Deadline,
): Promise<ConfigEntry[] | undefined> {
  const names = new Set(changedNames(changes))
  const nodes = target === undefined ? [...cluster.brokers.keys()] : [target]
  try {
    while (!settle.passed) {
      const { answers } = await askBrokers(cluster, nodes, settle, (connection) => ask(connection, target))
      const views = [...answers.values()].map((entries) => entries.filter(({ name }) => names.has(name)))
      const shown = (entries: readonly ConfigEntry[]) =>
        entries.every((entry) => showsChange(entry, changes, levelOf(target))) &&
        [...changes.set].every(([name, value]) => value === null || entries.some((e) => e.name === name))
      if (views.length > 0 && views.every(shown)) return views[0]
      await settle.pause(POLL_MS)
    }
  } catch {
    // The change was made; only to see it failed.
  }
  return undefined
}
