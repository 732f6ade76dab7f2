import { Problem } from '../../../problems/problem.ts'
import type { Cluster } from '../../cluster.ts'
import { Deadline } from '../../deadline.ts'
import { KafkaCode, problemFromKafkaCode } from '../../errors.ts'
import { alterQuotas, describeQuotas } from '../../wire/quota-apis.ts'
import { changeCluster, passingCode } from '../controller-call.ts'
import { untilHeard } from '../settled.ts'
import { entriesOf, toWireFilter } from './list-quotas.ts'
import {
  entityTypes,
  partsOf,
  type QuotaEntry,
  type QuotaName,
  quotaNames,
  type Quotas,
} from './quota-names.ts'
import { ruleBroken } from './quota-rules.ts'
import { TIMEOUT_MS } from '../timeouts.ts'

export interface ChangedQuotas {
  readonly entry: QuotaEntry
  /** Why they are as before. */
  readonly problem: Problem | undefined
}

/**
 * Sets and removes quotas, and waits until the brokers have heard of it. Those not named stay. Kafka takes or refuses
 * each entry as a whole, whatever it does with the others.
 * @param validateOnly has Kafka say what it would do, and do nothing
 * @throws Problem kafka_authorization, kafka_unavailable, kafka_auth_failed
 */
export async function changeQuotas(
  cluster: Cluster,
  entries: readonly QuotaEntry[],
  validateOnly: boolean,
): Promise<ChangedQuotas[]> {
  const alterations = entries.map(({ entity, quotas }) => ({
    entities: partsOf(entity).map(([type, entityName]) => ({ entityType: entityTypes[type], entityName })),
    ops: valuesOf(quotas).map(([name, value]) => ({
      key: quotaNames[name],
      value: value ?? 0,
      remove: value === null,
    })),
  }))
  const { answer } = await changeCluster(cluster, new Deadline(TIMEOUT_MS), async (connection) => {
    const { entries: outcomes } = await connection.call(alterQuotas, alterations, validateOnly)
    return { outcomes, errorCode: passingCode(outcomes.map(({ errorCode }) => errorCode)) }
  })
  // Kafka answers in an order of its own.
  const outcomes = new Map(answer.outcomes.map((outcome) => [keyOf(outcome.entity), outcome]))
  const changed = entries.map((entry, i): ChangedQuotas => {
    const outcome = outcomes.get(keyOf(alterations[i]!.entities))
    return { entry, problem: outcome && problemOf(entry, outcome.errorCode, outcome.errorMessage) }
  })
  const last = changed.findLast(({ problem }) => problem === undefined)
  if (last !== undefined && !validateOnly) await untilInForce(cluster, last.entry)
  return changed
}

/** Brokers hear of changes in their order, so that the last one says it of all. */
function untilInForce(cluster: Cluster, { entity, quotas }: QuotaEntry): Promise<void> {
  return untilHeard(cluster, async (connection) => {
    const [heard] = entriesOf(await connection.call(describeQuotas, toWireFilter(entity), true))
    return valuesOf(quotas).every(([name, value]) => (heard?.quotas[name] ?? null) === value)
  })
}

function valuesOf(quotas: Quotas): [QuotaName, number | null][] {
  return Object.entries(quotas).filter(([, value]) => value !== undefined) as [QuotaName, number | null][]
}

function keyOf(entity: readonly { entityType: string; entityName: string | null }[]): string {
  const parts = entity.map(({ entityType, entityName }) => [entityType, entityName])
  return JSON.stringify(parts.sort(([a], [b]) => (a! < b! ? -1 : 1)))
}

function problemOf(entry: QuotaEntry, code: number, brokerText: string | null): Problem | undefined {
  if (code === KafkaCode.NONE) return undefined
  if (code !== KafkaCode.INVALID_REQUEST) return problemFromKafkaCode(code, undefined, brokerText)
  const detail = ruleBroken(entry) ?? 'Kafka does not take these quotas for this entity.'
  return new Problem('invalid_request', { detail, cause: brokerText })
}
