/** What an ACL can say, by Kafka's numbers (`ResourceType`, `PatternType`, `AclOperation`, `AclPermissionType` of Kafka 4.3). */
export const resourceTypes = {
  topic: 2,
  group: 3,
  cluster: 4,
  'transactional-id': 5,
  'delegation-token': 6,
  user: 7,
} as const

export const patternTypes = { literal: 3, prefixed: 4 } as const

/** `match` finds every pattern that a resource's name falls under, `any` those of exactly the name, whatever their type. */
export const filterPatternTypes = { any: 1, match: 2, ...patternTypes } as const

export const operations = {
  all: 2,
  read: 3,
  write: 4,
  create: 5,
  delete: 6,
  alter: 7,
  describe: 8,
  'cluster-action': 9,
  'describe-configs': 10,
  'alter-configs': 11,
  'idempotent-write': 12,
  'create-tokens': 13,
  'describe-tokens': 14,
  'two-phase-commit': 15,
} as const

export const permissions = { deny: 2, allow: 3 } as const

/** The one resource of type `cluster` that Kafka has. */
export const CLUSTER_NAME = 'kafka-cluster'

/** What stands for a number that a Kafka newer than this table has. */
export const UNKNOWN = 'unknown'

export function nameOf<T extends string>(table: Readonly<Record<T, number>>, value: number): T | 'unknown' {
  const found = (Object.entries(table) as [T, number][]).find(([, number]) => number === value)
  return found?.[0] ?? UNKNOWN
}
