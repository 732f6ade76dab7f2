import { operations } from '../admin/acls/acl-names.ts'

export type KafkaOperation = keyof typeof operations

/** What Kafka answers where it was not asked, or does not say. */
const UNTOLD = -2_147_483_648

/**
 * The operations in a bit field of KIP-430, of which each bit is an `AclOperation`; undefined where Kafka does not say.
 * Without an authorizer they are all that the resource knows.
 */
export function operationsIn(bits: number): ReadonlySet<KafkaOperation> | undefined {
  if (bits === UNTOLD) return undefined
  const names = Object.keys(operations) as KafkaOperation[]
  return new Set(names.filter((name) => (bits & (1 << operations[name])) !== 0))
}
