import type { Cluster } from '../../cluster.ts'
import { Deadline } from '../../deadline.ts'
import { KafkaCode, problemFromKafka, problemFromKafkaCode } from '../../errors.ts'
import { Gate } from '../../reader/gate.ts'
import {
  describeQuotas,
  type DescribeQuotasAnswer,
  MATCH_DEFAULT,
  MATCH_EXACT,
} from '../../wire/quota-apis.ts'
import {
  entityTypes,
  keyOfEntity,
  partsOf,
  type QuotaEntity,
  type QuotaEntry,
  quotaNames,
} from './quota-names.ts'
import { TIMEOUT_MS } from '../timeouts.ts'

/** Asked at the same time, for one request. */
const QUESTIONS = 16

/**
 * The quotas of every entity that has the parts of `entity`, sorted by entity.
 * @param strict leaves out those that have other parts, too
 * @throws Problem kafka_authorization, kafka_unavailable, kafka_auth_failed
 */
export async function listQuotas(
  cluster: Cluster,
  entity: QuotaEntity,
  strict: boolean,
): Promise<QuotaEntry[]> {
  const call = cluster.callAny((connection) => connection.call(describeQuotas, toWireFilter(entity), strict))
  const answer = await new Deadline(TIMEOUT_MS).within(call).catch((error: unknown) => {
    throw problemFromKafka(error)
  })
  if (answer.errorCode !== KafkaCode.NONE) {
    throw problemFromKafkaCode(answer.errorCode, undefined, answer.errorMessage)
  }
  return sorted(entriesOf(answer))
}

/**
 * What is set for just these entities, sorted as listQuotas() does.
 * @throws as listQuotas()
 */
export async function quotasOf(cluster: Cluster, entities: readonly QuotaEntity[]): Promise<QuotaEntry[]> {
  const gate = new Gate(QUESTIONS)
  const found = await Promise.all(
    entities.map((entity) => gate.within(() => listQuotas(cluster, entity, true))),
  )
  return sorted(found.flat())
}

function sorted(entries: readonly QuotaEntry[]): QuotaEntry[] {
  return entries.toSorted((a, b) => (keyOfEntity(a.entity) < keyOfEntity(b.entity) ? -1 : 1))
}

export function toWireFilter(entity: QuotaEntity) {
  return partsOf(entity).map(([type, match]) => ({
    entityType: entityTypes[type],
    matchType: match === null ? MATCH_DEFAULT : MATCH_EXACT,
    match,
  }))
}

/** What Kafka tells in the names of this API; a quota that only a newer Kafka has is left out. */
export function entriesOf({ entries }: DescribeQuotasAnswer): QuotaEntry[] {
  return (entries ?? []).map(({ entity, values }) => ({
    entity: byName(entityTypes, new Map(entity.map((part) => [part.entityType, part.entityName]))),
    quotas: byName(quotaNames, new Map(values.map(({ key, value }) => [key, value]))),
  }))
}

function byName<N extends string, V>(
  names: Readonly<Record<N, string>>,
  values: ReadonlyMap<string, V>,
): Partial<Record<N, V>> {
  const known = (Object.entries(names) as [N, string][]).filter(([, wire]) => values.has(wire))
  return Object.fromEntries(known.map(([name, wire]) => [name, values.get(wire)])) as Partial<Record<N, V>>
}
