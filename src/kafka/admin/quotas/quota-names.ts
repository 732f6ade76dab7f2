/** The parts of whom a quota is for, and Kafka's names of them. */
export const entityTypes = { user: 'user', clientId: 'client-id', ip: 'ip' } as const

/** The quotas, with Kafka's names of them and what they take (`QuotaConfig` of Kafka 4.3). */
export const quotaNames = {
  producerByteRate: 'producer_byte_rate',
  consumerByteRate: 'consumer_byte_rate',
  requestPercentage: 'request_percentage',
  controllerMutationRate: 'controller_mutation_rate',
  connectionCreationRate: 'connection_creation_rate',
} as const

export type EntityType = keyof typeof entityTypes
export type QuotaName = keyof typeof quotaNames

/** Whom a quota is for: null is everyone who has none of their own. */
export type QuotaEntity = { readonly [T in EntityType]?: string | null | undefined }

/** Per second or in percent; null is none. */
export type Quotas = { readonly [N in QuotaName]?: number | null | undefined }

export interface QuotaEntry {
  readonly entity: QuotaEntity
  readonly quotas: Quotas
}

/** The parts of an entity that are given, in Kafka's order. */
export function partsOf(entity: QuotaEntity): [EntityType, string | null][] {
  const types = Object.keys(entityTypes) as EntityType[]
  return types.flatMap((type): [EntityType, string | null][] => {
    const name = entity[type]
    return name === undefined ? [] : [[type, name]]
  })
}

/** Equal for equal entities alone, and the order in which they are listed. */
export function keyOfEntity(entity: QuotaEntity): string {
  return partsOf(entity)
    .flat()
    .map((part) => JSON.stringify(part))
    .join(' ')
}
